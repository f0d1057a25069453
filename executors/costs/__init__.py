"""What a run costs others.

waits.py  How long other sessions wait for what a run holds, and how far its statement is
"""
