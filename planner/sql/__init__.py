"""SQL as text: statements, tokens, the lexical rules of each engine.

bodies.py         Statements that hold statements
cursor.py         A cursor over the tokens of one statement: what a reader of SQL takes them from
delimited.py      Tokens of a text whose statements another delimiter than a semicolon ends
dialect.py        An engine's lexical rules and capabilities as a frozen value
line_comments.py  Comments that begin `--x`
mode_changes.py   Finds statements that would make the server read the rest of the text by other
placeholders.py   `{{lo}}` and `{{hi}}`, the bounds of a batch in its statement
statements.py     Cuts SQL text into the statements that a server would run
"""
