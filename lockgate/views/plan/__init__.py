"""A plan for its reader.

approvals.py           Approvals for people: what is approved, and who has approved it
changes.py             What a plan changes in the schema, for people
dependencies.py        The dependency graph of a plan as rows and arcs
difference.py          The difference of two plans
html.py                A plan as one HTML file that needs no network and, to be read, no script
json.py                A plan as the JSON document that its file is
markdown.py            A plan as a comment of a pull request
notes.py               What of each step of a plan is worth a look on a terminal
promotion.py           What a promotion does with each migration, for people
rehearsal.py           What a rehearsal has shown, for people
rehearsal_markdown.py  What a rehearsal has shown, as a part of the comment that `markdown` makes
review.py              What a reviewer asks of a plan
sql.py                 A plan as SQL that a person can read and a client can run
summary.py             A review in short
text.py                A plan for people, on a terminal
"""
