"""Running of a plan's units on PostgreSQL: in one transaction, or statement by statement."""
