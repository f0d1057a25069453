"""The reading of PostgreSQL's statements: what each does, by the server's own grammar.

alter.py          The clauses of an ALTER TABLE of PostgreSQL, read from its parse tree
calling.py        Which functions of the database a statement of PostgreSQL calls, by its parse tree
conditions.py     Conditions in parse trees
definitions.py    What CREATE, ALTER and DROP of PostgreSQL do, read from their parse trees
enums.py          New values of enums
grammar.py        PostgreSQL's own grammar
head.py           The head of a statement that carries many rows: enough of it to know what it does
locks.py          The table locks of PostgreSQL, and what each one blocks
nodes.py          The nodes of a parse tree: the names, constants and calls in them
other_objects.py  What CREATE and ALTER of functions, event triggers, domains
outlines.py       Outlines: of the readings of every CREATE and ALTER, and, in short
reader.py         The one reading of a statement of PostgreSQL, by the server's own grammar
rows.py           What statements of PostgreSQL that work on rows do, read from their parse trees
spelling.py       SQL from a parse tree
types.py          Whether PostgreSQL keeps a table's rows as they are when a column's type or
weighing/         What a statement of PostgreSQL does to the tables that are there
"""
