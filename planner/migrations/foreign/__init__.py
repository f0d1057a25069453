"""What several formats of other tools share.

annotated.py     Files in which a line says where what goes up begins, and another
changelogs.py    Changelogs of Liquibase in XML, YAML or JSON, as far as they say
changesets.py    Changesets of Liquibase's formatted SQL
code_files.py    Migrations that are code
contexts.py      Contexts and labels of Liquibase: which changesets are for a database
pairs.py         Pairs of files, one for each direction: what several formats share
placeholders.py  Placeholders of other tools in SQL, filled from the environment's variables
plain_files.py   Plain files: `1_name.sql` holds what goes up and nothing else
sections.py      Sections of other tools' files
"""
