"""Running of a plan's steps on MySQL and MariaDB; `undo` runs what is undone as a whole.

journaled.py  Running of a plan's steps on MySQL and MariaDB, whose DDL commits by itself
units.py      Units on MySQL and MariaDB: which way each is run and ended
"""
