"""Copies of tables by programs of others, and what these leave when they die.

copying.py   A run of a program that copies a table
remains.py   What a program that copies a table has made beside it, and its removal
settling.py  Whether a copy has taken its table's place
"""
