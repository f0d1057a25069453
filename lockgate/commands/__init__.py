"""The commands: one a file, in folders by subject, found by being there.

agents/    Commands for programs that work beside people
database/  Commands that ask a database what it says
files/     Commands on migration files, without a database
plans/     Commands that write or read plan files
runs/      Commands that run a plan, or settle a run that stopped half-way
"""
