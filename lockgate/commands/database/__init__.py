"""Commands that ask a database what it says."""
