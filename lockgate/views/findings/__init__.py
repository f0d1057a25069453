"""Findings for their reader.

fix.py       What `migrate fix` proposes: the diff, the locks of both forms, and what was proved
fix_page.py  What `migrate fix` proposes, as one HTML page: the locks of both forms side by side
github.py    Findings as workflow commands
gitlab.py    Findings as a Code Quality report
links.py     Where a rule is explained: the address of its page
listing.py   The findings of `migrate lint`: for people, and as one JSON document
sarif.py     Findings as SARIF 2.1.0, which code hosts and editors read
"""
