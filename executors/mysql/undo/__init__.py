"""Units that are undone by compensation on MySQL and MariaDB.

blockers.py          Who holds the locks on MySQL and MariaDB
compensated_unit.py  Units that are atomic by compensation on MySQL and MariaDB
counters.py          AUTO_INCREMENT counters beside transactions of journaled statements
graveyard.py         The graveyard: a schema where dropped tables wait for the commit point
images.py            Pre-images on MySQL and MariaDB
intents.py           Intents: what is written to the journal before a statement
journal.py           The journal of one unit that is undone by compensation
reached.py           What the statements of a unit reach whose rows are copied first
recovery.py          How a compensated unit ends on MySQL and MariaDB
rights.py            What the role lacks to make an object again on MySQL and MariaDB
row_proof.py         The proof that rows are those from before
statement_runner.py  Running of a statement so that it can be undone
statement_undo.py    Undoing on MySQL and MariaDB
unit_undo.py         Rolling a unit back on MySQL and MariaDB
unknown_outcomes.py  What became of statements that were journaled one by one
"""
