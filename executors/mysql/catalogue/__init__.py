"""All that a database of MySQL or MariaDB holds but rows, as queries and as values.

catalogue.py           The catalogue of a database of the MySQL family
details.py             The rows of information_schema as a catalogue's details
health.py              How a database of MySQL or MariaDB, its server and a session's rights are
information_schema.py  The views of information_schema on MySQL and MariaDB, one plain query each
readers.py             Who has read a table or a column of it, by the performance schema
survey.py              What a database of MySQL or MariaDB is like, asked by its session; implements
waits.py               Which sessions wait for what a session of ours holds, and how far that one is
"""
