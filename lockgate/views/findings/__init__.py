"""Findings for their reader.

listing.py  for people, and as one JSON document
github.py   as annotations in a workflow
sarif.py    as SARIF 2.1.0
"""
