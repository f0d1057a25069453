"""Plans in the making: an environment, its database and its files brought together.

making.py     Request and make_plan: a plan, with what linters and policies say of it
linting.py    findings of files and of plans
origin.py     what is known of the environment that a plan is promoted from
rehearsal.py  a plan run on a scratch database; the search for drift
delivery.py   a plan handed out: to its file, and to its reader
"""
