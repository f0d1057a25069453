"""What a statement of PostgreSQL does to the tables that are there, by the facts of a database.

columns.py     What adding a column, and changing its type or whether it is required
dropping.py    Which other relations are locked for what is dropped, and for what goes with it
edits.py       Changes of facts, of which each takes the place of what was known
firing.py      Which code of the database runs when rows are written
following.py   The facts as a plan's statements leave them
part.py        What one clause of a statement needs of its table, and of others
partitions.py  What attaching, detaching and making a partition locks and reads, by the facts
proofs.py      What the CHECK constraints of a table prove of its rows
relations.py   The relations of a live database, and which hang together
taking.py      What goes along with what a statement drops, or keeps the server from dropping it
weigh.py       What a statement of PostgreSQL does to the tables that are there: locks, work, losses
writing.py     What a statement that writes rows does to other tables
"""
