"""Statements that run batch after batch along a key; knows no engine.

key.py       The key along which a statement in batches walks
progress.py  How far a statement in batches has come, as the ledger has it: `lockgate_batches`
walk.py      The walk along a key
"""
