"""Migration files: one file, the folder, their order.

directory.py     The migrations directory
migration.py     A migration: one file of SQL with its identity, its directives and its two sections
order.py         The order of migrations: what each requires first, ties broken by version
restrictions.py  Statements that a section may not hold, since lockgate itself runs the transactions
template.py      Rendering of a migration that asks for it with `-- migrate:template jinja`
waiver.py        A waiver
"""
