"""What a database says, for its reader: each for people and as a document.

migrations.py  the migrations of one environment
matrix.py      the migrations by environments, also as an HTML page
history.py     the runs
lock.py        who holds the migration lock
drift.py       how the schema differs from what is expected
"""
