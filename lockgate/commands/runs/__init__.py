"""Commands that run a plan, or settle a run that stopped half-way."""
