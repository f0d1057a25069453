"""lockgate talks: the command line, what it prints, and nothing that it decides.

main.py       the entry point: finds the command, turns errors into exit codes
options.py    options that several commands share
commands/     one a file
views/        everything that is printed
plans/        plans in the making
runs/         runs, for the commands
trust/        whether a plan may begin: approvals, receipts, admission
workspace.py  an environment with an open session on its database
checkout.py   what git says of the migrations' directory
status.py     where an environment's migrations stand
scaffold.py   new migration files
exits.py      exit codes
signals.py    SIGINT and SIGTERM as an exception
threads.py    work in a thread of its own
templates/    the HTML pages
planner/      decides; knows no driver, no clock, no terminal
executors/    talk to databases and other programs
"""

__version__ = "0.1.0"
