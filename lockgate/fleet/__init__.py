"""Fleets: one plan for many databases, for the commands.

applying.py      Applying of a fleet's plan
changed.py       What targets have otherwise than their last run has left them
drifting.py      `migrate drift` of a fleet
making.py        `migrate plan` and `migrate promote` for a fleet
members.py       The members of a fleet: found, and opened one by one
oddities.py      Why a target is in no group, by the error that was raised when it was looked at
planning.py      Planning for a fleet
rolling_back.py  `migrate down` of a fleet
running.py       `migrate apply` of a fleet plan, and the `check:` after a wave
showing.py       `migrate show`, `migrate status` and `migrate history` for a fleet
standing.py      The states of a fleet's targets: each is asked itself
throttling.py    Sparing of servers: no further target of one is begun while it is under load
working.py       `migrate worker`: what is done with a job of a fleet's run
"""
