"""Batches on MySQL and MariaDB.

gauges.py  What a run of batches on MySQL and MariaDB looks at before the next one; changes nothing
key.py     The key of a statement in batches, as MySQL and MariaDB have it; changes nothing
walker.py  Batches on MySQL and MariaDB
"""
