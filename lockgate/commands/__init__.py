"""The commands: one a file, in folders by subject, found by being there.

files/     without a database: new, validate, lint
plans/     plan files: plan, show, diff_plan, approve, promote
runs/      what changes a database: apply, up, down, resolve
database/  what a database says: status, history, lock, drift, state, rebind
"""
