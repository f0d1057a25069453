"""What the database holds for lockgate, read and written by SQL that every engine understands.

location.py       In which schema a project's ledger lies
named_tables.py   The ledger's tables by their names in this database
occupancy.py      What a database holds of others: for the first plan, and for `adopt`
recorded_plan.py  Plans as lockgate_runs records them
rows.py           Rows of the ledger's tables as values, and values as the parameters of a row
runs.py           Runs and their journal, as the ledger's tables have them; writes nothing
store.py          The ledger and its fence, the serial, in SQL that every engine understands
tables.py         Which of the ledger's tables exist, and whether they are lockgate's own
"""
