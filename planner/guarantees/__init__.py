"""What undoes what: which statements are kept or undone together.

guarantee.py             Guarantees where the server undoes DDL with its transaction
kept.py                  What stays of a plan that failed although its transaction is undone
kept_sequences.py        Which sequences keep what a transaction sets them to
loosened_keys.py         Which foreign keys hold no rows of others for a while
lost_values.py           Which values of a table's columns an ALTER TABLE loses on MySQL and MariaDB
row_comparison.py        Of which tables the rows are compared with those before
statement_guarantees.py  What undoes one statement where the server commits DDL by itself
units.py                 The units of a plan where the server commits DDL by itself
"""
