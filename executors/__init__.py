"""Executors run plans and talk to databases and other programs; they decide nothing.

apply.py           Application of a plan: lock, verify, run and record; nothing here knows an engine
batches/           Statements that run batch after batch along a key; knows no engine
commit_outcome.py  Finding out whether a commit has happened whose answer was lost
costs/             What a run costs others
engine.py          The parts of an engine as interfaces
events.py          What an executor tells while it works; its caller decides what to show
failure.py         What the server said when it refused a statement
fleet/             The running of a fleet's plan: targets are found, and done wave by wave
gauge.py           A gauge: what each statement of a run really takes and rewrites
ledger/            What the database holds for lockgate
lock.py            The migration lock: at most one executor at work on a history table
mariadb.py         MariaDB: what it does otherwise than MySQL
mysql/             MySQL: the engine that `executors.engine` opens; nothing of it is loaded before
polling.py         Waiting for what only asking again, or trying again, can tell
postgresql/        PostgreSQL: the engine that `executors.engine` opens
programs/          Other programs that are run: git, ssh-keygen, squawk, a private PostgreSQL
receipts.py        Receipts of runs
rehearsal.py       Rehearsal: migrations and a plan run on a scratch database, there and back
resolve.py         Settling of runs that stopped half-way
run_errors.py      The errors of runs that did not end well: what is kept, why, and what to do next
scratch.py         Scratch databases: made for a rehearsal, and dropped however it ends
states.py          The states of a run and of a journaled statement
"""
