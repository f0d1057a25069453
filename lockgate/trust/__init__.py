"""Whether a plan may begin, and who says so.

admission.py    Admission of a plan to be applied
approvals.py    Approvals: signatures of a plan's digest by people, in files beside the plan
receipts.py     Receipts as files
signing_key.py  The signer's SSH key: the one that is named, git's, or one of ~/.ssh
"""
