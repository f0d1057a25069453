"""Plans in the making: an environment, its database and its files brought together.

adoption.py   Another tool's history, found in a database and read, for a plan that takes it over
delivery.py   Delivery of a plan that was made: to its file, and to the one who looks on
fixing.py     Safe forms of migrations that are not applied yet: written, proved, and measured
linting.py    Linting of migration files and of plans: asks the linters, and joins what they say
making.py     Making of a plan from what is known of a database
offers.py     Which of the ways that a server is asked for it takes
origin.py     What is known of the environment that plans are promoted from
rehearsal.py  Rehearsal of a plan, and the search for drift
rereading.py  The plan of `apply`, judged by its own SQL and by the database
"""
