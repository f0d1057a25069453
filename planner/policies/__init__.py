"""Policies: what an environment says of a plan, one file a policy; they read plans alone."""
