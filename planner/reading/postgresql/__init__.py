"""The reader of PostgreSQL.

alter.py    The locks that an ALTER TABLE of PostgreSQL takes and the work under them
effects.py  What a statement of PostgreSQL does to others, read from its tokens
locks.py    The table locks of PostgreSQL, what each one blocks, and how names are read there
types.py    Whether PostgreSQL keeps a table's rows as they are when a column's type or default
"""
