"""Running of a plan's units on PostgreSQL: in one transaction, or statement by statement.

commit_status.py     What PostgreSQL tells of a transaction whose commit was lost
concurrent_index.py  Indexes that PostgreSQL builds or drops CONCURRENTLY
condition.py         Whether the condition of a statement is met
deferred.py          The check of deferred constraints at the end of a migration that others follow
journaled.py         Running of a step outside of a transaction on PostgreSQL
transaction.py       Running of units on PostgreSQL that are one transaction each
units.py             Units on PostgreSQL: one transaction each, or one statement after the other
"""
