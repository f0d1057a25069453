"""Whether a plan may begin, and who says so.

admission.py    by the environment's policy, and what the caller brings
approvals.py    signatures of a plan by people, in files beside it
receipts.py     receipts of runs, handed out, signed, and read again
signing_key.py  the SSH key of the one who signs
"""
