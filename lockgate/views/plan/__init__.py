"""A plan for its reader.

text.py                on a terminal
notes.py               what of each step is worth a look there
json.py                the document that its file is
sql.py                 SQL that a client can run
review.py              what a reviewer asks of it, as a value
summary.py             a review in short
markdown.py            a pull request's comment
rehearsal.py           what a rehearsal has shown, in a terminal
rehearsal_markdown.py  the same within the comment
html.py                one HTML page
dependencies.py        its graph of dependencies, in pixels
highlight.py           SQL cut into runs of a kind, for colours
difference.py          the difference of two plans
approvals.py           what is approved, and who has approved it
promotion.py           what a promotion does with each migration
"""
