"""Views of a fleet: its plan, a run, the states of its targets.

drift.py        Which targets of a fleet have drifted: for people, and as a document
history.py      The runs of a fleet, the newest first: for people, and as a document
markdown.py     A fleet's plan as a comment of a pull request
plan_page.py    A fleet's plan as one HTML file
run.py          A run of a fleet as it is followed, and how it ended
status.py       The states of a fleet's targets: counted for people, each one for programs
status_page.py  The state of a fleet as one HTML file
text.py         A fleet's plan for people, on a terminal
"""
