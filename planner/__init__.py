"""The planner decides: values in, values out. No driver, no process, no clock, no printing.

Each folder imports only what is below it in the layers of pyproject.toml.

adoption/      Other tools' histories, taken over
building/      Plans are built: from migration files and what a database says to a plan
canonical.py   Canonical JSON (RFC 8785): the same bytes for the same value, for digests
database/      What a database says of itself, as values
decision.py    A decision: what one policy says of a plan, and why
document.py    Documents as files with a digest
environments/  Environments: settings of one database, their keys and policies
errors.py      Every error that lockgate raises on purpose
finding.py     A finding: what a reviewer should know of a statement, and how much it matters
fleet/         Fleets: many databases that one plan is for
guarantees/    What undoes what: which statements are kept or undone together
hidden.py      Characters that a reader of SQL does not see, and names that look like others
migrations/    Migration files: one file, the folder, their order
passwords.py   Passwords, hidden from what is shown of a statement and of a server's message
plan/          The plan as a value and as a file, and what compares or verifies plans
policies/      Policies: what an environment says of a plan, one file a policy, found by being there
project.py     A project on the disk: the git checkout that holds it, and which links lead out of it
quantities.py  Durations and sizes as settings spell them, `5s` and `100MB`, and as numbers
quoting.py     Names as identifiers: how each engine quotes them
reading/       What one statement does, read from its SQL by one reader for each engine
review/        What a reviewer should know of a plan: findings, losses, evidence
rewriting/     From a finding to the SQL
settings.py    A map in a settings file, as its reader wants it: the base of every model of one
sql/           SQL as text: statements, tokens, the lexical rules of each engine
value.py       Values: frozen dataclasses with slots, whose classes cost a tenth to make
versions.py    Versions of migrations: any text names one, and numbers are compared as numbers
"""
