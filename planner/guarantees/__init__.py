"""What undoes what: which statements are kept or undone together.

guarantee.py             Guarantees where the server undoes DDL with its transaction
statement_guarantees.py  What undoes one statement where the server commits DDL by itself
units.py                 The units of a plan where the server commits DDL by itself
"""
