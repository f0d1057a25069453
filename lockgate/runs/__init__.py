"""Runs, for the commands.

adopted.py       What follows an adoption
at_once.py       Plan and apply in one, without a review between
checkup.py       A check-up: what commands need of an environment, its database and this machine
conversation.py  A person and the small client: lines that are typed or piped, and answers as tables
disposable.py    What only a database that its environment calls disposable takes
dry_run.py       `--dry-run`: the SQL that would run, after the checks that come before it
notifying.py     The end of a run, for the program that the environment names under `notify`
pausing.py       What `migrate pause` and `migrate resume` ask of a run of batches
schema_file.py   The schema as a file of the project
settlement.py    `migrate resolve`: looking at half-done runs, and settling one under the lock
telemetry.py     A run as spans and metrics of OpenTelemetry, where `lockgate[otel]` is installed
up_and_down.py   `up` and `down`
waiting.py       Waiting for a database: until its server answers, or a migration is applied
"""
