"""Fleets: many databases that one plan is for.

budget.py      The budget of a fleet's run: how many targets may fail before it pauses
fleet_plan.py  The plan of a fleet
grouping.py    Groups of databases that one plan fits: by what was seen of each, never by its name
place.py       The place of one target of a fleet: what of an address is its own
receipt.py     The receipt of a fleet's run: how each target has ended, and what was run
waves.py       The waves of a fleet: which targets are first, as counts, shares and names say
"""
