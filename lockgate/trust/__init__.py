"""Whether a plan may begin, and who says so.

admission.py    Admission of a plan to be applied
approvals.py    Approvals: signatures of a plan's digest by people, in files beside the plan
receipts.py     Receipts as files
signing_key.py  The SSH key of whoever signs: the one that is named, git's, or one of ~/.ssh
"""
