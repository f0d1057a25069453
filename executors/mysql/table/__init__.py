"""A table of MySQL or MariaDB by its SHOW CREATE TABLE text, and the way back of its changes.

definition.py   A table of MySQL or MariaDB as its SHOW CREATE TABLE text defines it
difference.py   What leads from one table of MySQL or MariaDB to another
references.py   The rows of a table of MySQL or MariaDB that refer to none of its parent's
restoration.py  The way back of a table of MySQL or MariaDB, derived from what it was and what it is
text.py         The words of a definition in a SHOW CREATE TABLE text of MySQL or MariaDB
"""
