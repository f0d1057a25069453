"""A run for its reader.

events.py     Events as newline-delimited JSON on stdout, for programs. docs/reference/events.md
following.py  How a run is followed: by a person or, with `--json`, by a program
half_done.py  Runs that stopped half-way, for people: statement by statement, and the ways out
progress.py   A run as a person follows it, on stderr
report.py     How a run ended well: for people, and as the last event
"""
