"""Batches on PostgreSQL.

gauges.py  What a run of batches on PostgreSQL looks at before the next one; changes nothing
key.py     The key of a statement in batches, as PostgreSQL has it; changes nothing
walker.py  Batches on PostgreSQL
"""
