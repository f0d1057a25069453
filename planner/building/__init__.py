"""Plans are built: from migration files and what a database says to a plan.

batch_estimates.py  How much a statement in batches has to do, by what a database says of its table
build.py            Building of plans
compare.py          Comparison of the migration files with the ledger
enum_cuts.py        Where a plan is cut in two transactions
filetexts.py        The text of a migration's file within a plan
late_steps.py       Steps that run after an applied migration that is after them: found and marked
matrix.py           Where each migration is in each environment, side by side
observation.py      What is known of a database when a plan is made for it
own_tables.py       Statements of a plan that would change what lockgate keeps in the database
promotion.py        Promotion: which migrations have run in the environment before
readings.py         Readings of a plan's statements
records.py          Plans that run nothing and only change the history
selection.py        Choice of what a plan runs: of what is pending, and of what is applied
statefile.py        The state file
stored_runs.py      Rollback steps from the plans that the database keeps of its runs
"""
