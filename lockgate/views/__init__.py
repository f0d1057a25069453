"""Everything that is printed: values in, text or one document out; nothing is decided here.

terminal.py  colour and tables on a terminal, plain text when piped; the only way to stdout
grid.py      a table of many columns, in as few blocks as fit
json.py      one JSON document on stdout
errors.py    the error that ends a command
page.py      what HTML pages share
markup.py    text within Markdown
plan/        a plan: as text, Markdown, HTML, SQL; what a review asks of it
run/         a run while it goes on, how it ended, what it left half done
findings/    what `migrate lint` has found
database/    status, history, lock, drift
"""
