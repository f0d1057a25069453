"""Migration files: one file, the folder, their order.

directory.py        The migrations directory
migration.py        A migration
order.py            The order of migrations: what each requires first, ties broken by version
restrictions.py     Statements that a section may not hold
template.py         Rendering of a migration that asks for it with `-- migrate:template jinja`
template_limits.py  Limits of templates
waiver.py           A waiver
"""
