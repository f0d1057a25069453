"""The plan as a value and as a file, and what compares or verifies plans.

contract.py        What a migration takes away that an older one has replaced
difference.py      The difference of two plans
drift.py           Drift: a schema that is not what its migrations make
filetext.py        The text of a migration's files within a plan, by which `apply` proves its SQL
measured_locks.py  Locks that were measured on PostgreSQL, as a plan holds them; measures nothing
other_version.py   Catalogues of two servers of different versions
plan.py            The plan: what will be run, on which database, in which state
planfile.py        The plan file: writes a plan so that it can be trusted, and reads only such plans
proof.py           What is known of a plan's steps in the environment that it is promoted from
receipt.py         The receipt: what a run has left, where and when; a value, published as JSON
record.py          Why a step runs nothing and only changes the history, as a value
rehearsal.py       Rehearsal: what may run on a scratch database
start.py           The start of a run
statement.py       A statement of a plan: the text that the server gets, and what is known of it
verify.py          Verification, inside the lock, that a plan and a live database belong together
"""
