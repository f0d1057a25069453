"""Everything that is printed: values in, text or one document out; nothing is decided here.

batches.py     What a statement in batches means for a reviewer
conversion.py  Which migration became which file of ours: for people, and as a document
database/      What a database says, for its reader: each for people and as a document
errors.py      An error that ends a command
findings/      Findings for their reader
fleet/         Views of a fleet: its plan, a run, the states of its targets
grid.py        A table of many columns for a terminal of any width
json.py        One JSON document on stdout
markup.py      Text within GitHub's flavour of Markdown
online.py      What a copy by a program means for a reviewer
page.py        What the HTML pages share
plan/          A plan for its reader
run/           A run for its reader
since.py       What has changed since an earlier plan of the same pull request
terminal.py    Writing to a person: colour and tables on a terminal, plain text when piped
"""
