"""A run for its reader.

following.py  where its events go: to a person or to a program
progress.py   for a person, on stderr
events.py     for a program, newline-delimited JSON
report.py     how it ended well
half_done.py  what it left half done, and the ways out
"""
