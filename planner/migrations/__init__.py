"""Migration files: one file, the folder, their order.

batch.py            `-- migrate:batch` and `-- migrate:until`
condition.py        `-- migrate:if not exists column users.age`
convert.py          Conversion of migrations of any format into ours
directory.py        The migrations directory
folder.py           A migrations directory on the disk: which files it holds, and their text
foreign/            What several formats of other tools share
format.py           The formats that there are, and what is the same for all
formats/            Formats of migration files
heading.py          The directives above `-- migrate:up`
migration.py        A migration as a value
mistakes.py         Mistakes in migration files, gathered
online.py           `-- migrate:online`: an ALTER TABLE that a program of others does by a copy
order.py            The order of migrations
restrictions.py     Statements that a section may not hold
template.py         Rendering of a migration that asks for it with `-- migrate:template jinja`
template_limits.py  Limits of templates
waiver.py           A waiver: `-- migrate:allow CODE reason`
"""
