"""What a reviewer should know of a plan: findings, losses, evidence.

held_locks.py          Locks that earlier statements of a transaction still hold when a statement
inspection.py          Inspection of a plan
lint.py                Runs the lint rules over sections, joins what an outer linter found
losses.py              What is lost with a plan: data that no rollback which comes later brings back
own_objects.py         What the plan has made itself, followed from one statement to the next
passwords.py           Passwords that are written in a statement
rehearsal_findings.py  Evidence: what a rehearsal has shown
remaking.py            A plan made once more, from its own text and the live ledger
rereading.py           A plan held against its own text
rules/                 Lint rules: one file a rule, found by being there
schema_changes.py      What a plan changes in the schema, object by object
section.py             What a lint rule looks at
sql_runs.py            SQL cut into runs of a kind, by the planner's lexer
squawk_rules.py        Squawk's rules for PostgreSQL
taken_along.py         What goes along with what a plan drops, held against the database of now
"""
