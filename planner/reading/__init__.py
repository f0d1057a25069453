"""What one statement does, read from its SQL by one reader for each engine.

absence.py      What IF EXISTS names and the database does not have, as a plan's statements leave it
calls.py        Which functions a text calls that are not the server's own: those of the database
code_text.py    Texts of code
impact.py       What a statement costs those who use the database
made.py         The users and routines that a unit of a plan has made
mysql/          The reader of MySQL and MariaDB
postgresql/     The reading of PostgreSQL's statements: what each does, by the server's own grammar
reaching.py     What a statement reaches outside of its database
reader.py       The reader of each engine, by the name of its dialect
reading.py      What one statement does, as a value
server_wide.py  What a statement changes or names beyond its own database
sizes.py        How large a table is, as far as it changes what a finding means
spread.py       Which tables a statement of MySQL and MariaDB changes rows of
stored.py       Whether the code that a statement stores takes data away whenever it runs
table.py        One table of MySQL or MariaDB at one point of a plan, as far as a plan can know it
tables.py       The tables as the statements of a plan leave them one by one
"""
