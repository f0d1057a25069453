"""Runs, for the commands.

up_and_down.py  plan and apply in one process
dry_run.py      the SQL that would run
settlement.py   a run that stopped half-way, ended as a person says
"""
