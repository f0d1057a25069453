"""From a finding to the SQL: statements that keep others out for long, in pieces that do not.

backfill.py    The values of a column for the rows that are there, in batches along the primary key
exchange.py    The exchange of a column for a new one that holds the same values in another type
files.py       The files that a migration becomes, when its statements are pieces: one for each unit
mysql/         What MySQL and MariaDB can do with less closed: the ways that a server is asked for
names.py       Names that PostgreSQL gives to what a statement leaves without one. Asks no server
piece.py       A piece of a rewritten statement, and what a rewriting is given. Rewrites nothing
postgresql/    What PostgreSQL can do with less closed: one file a rewriting, found by being there
proposal.py    What `migrate fix` says of one migration
rewrite.py     Which statements of a section have a safe form, and what that is
suggestion.py  The word of a finding that `migrate fix` shows the safe form, where it looks for one
way_back.py    The way back of a migration, divided among the files that it becomes
"""
