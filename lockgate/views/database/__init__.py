"""What a database says, for its reader: each for people and as a document.

checkup.py     A check-up: for people, and as a document
drift.py       How a schema differs from what is expected of it: for people, and as a document
history.py     The runs of a database, the newest first: for people, and as a document
lock.py        Who holds the migration lock: for people, and as a document
matrix.py      Migrations by environments
migrations.py  The migrations of one environment and their states: for people, and as a document
transport.py   A warning of a connection that others can read along
"""
