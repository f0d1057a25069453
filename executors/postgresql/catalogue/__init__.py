"""All that a PostgreSQL database holds but rows, as queries and as values.

catalogue.py  The catalogue of a PostgreSQL database
health.py     How a PostgreSQL database, its server and a session's rights are
objects.py    PostgreSQL's catalogue of all that is no table's, as queries like `relations`'
outlines.py   Outlines of a PostgreSQL database for a fleet
readers.py    Who has read a table or a column of it, by pg_stat_statements where that is there
relations.py  PostgreSQL's catalogue of tables and what hangs on them, as queries for its details
schema.py     What one schema among many holds, and its part of what `relations` and `objects` tell
survey.py     What a PostgreSQL database is like, asked by its session
"""
