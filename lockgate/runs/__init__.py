"""Runs, for the commands.

at_once.py      Plan and apply in one, without a review between
disposable.py   What only a database that its environment calls disposable takes
dry_run.py      `--dry-run`: the SQL that would run, after the checks that come before it
schema_file.py  The schema as a file of the project
settlement.py   `migrate resolve`: looking at half-done runs, and settling one under the lock
undoing.py      The end of an adoption: lockgate's own tables go, and the other tool goes on
up_and_down.py  `up` and `down`
waiting.py      Waiting for a database: until its server answers, or a migration is applied
"""
