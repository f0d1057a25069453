"""The reader of MySQL and MariaDB.

accounts.py          Accounts and their rights on MySQL and MariaDB
algorithms.py        How MySQL and MariaDB carry out each operation of an ALTER TABLE
alter.py             What an ALTER TABLE of MySQL and MariaDB does, clause by clause
clauses.py           Which operations an ALTER TABLE of MySQL and MariaDB is made of
dumps.py             What a dump says that a migration needs not
effects.py           What a statement of MySQL and MariaDB does, read from its tokens
impact.py            What a statement of MySQL and MariaDB does to others
lock_release.py      Whether a statement of MySQL or MariaDB releases every lock of its session
open_transaction.py  Whether a CREATE TABLE of MySQL leaves a transaction open
reader.py            The one reader of MySQL and MariaDB
redefinition.py      Which operation MODIFY and CHANGE of a column of MySQL and MariaDB are
rows.py              Which tables and columns a statement of MySQL and MariaDB writes rows of
settings.py          What SET does on MySQL and MariaDB: to the session alone, or to the server
spelling.py          ALTER TABLE and its like in other words
types.py             Whether a column's new definition holds every value of the old one
"""
