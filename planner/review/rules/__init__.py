"""Lint rules: one file a rule, found by being there; each reads a section and nothing else.

A rule has a `CODE`, `find(subject)`, which yields its findings, and, where squawk has rules for
the same, their names in `COVERED_BY`: then squawk's finding stands and ours does not.
"""
