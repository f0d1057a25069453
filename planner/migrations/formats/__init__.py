"""Formats of migration files: ours and other tools', one file a format, found by being there.

A format reads a folder of files and hands back migrations; it opens no path and runs nothing. Its
name in an environment is that of its file, with `-` for `_`. It is a module with

- `TOOL`, the tool's name as its makers write it; `LAYOUT`, how its files look; `NOT_TAKEN`, what
  of it we do not take, as a clause;
- `recognise(folder)`: whether a folder is laid out in this way, and in no other that we know;
- `collect_files(folder, dialect)`: the files of each migration, in the order in which its tool runs
  them;
- `read_header(files, dialect)`: the version as its tool's history spells it, the name, and what is
  required;
- `read_sections(migration, dialect, variables)`: both sections;
- where a file can say that it is no transaction: `ALONE`, how;
- where its tool would run files that we do not take: `find_untaken(folder)`, an error for each;
- where files are passed over that may have been meant: `warnings(folder)`, a sentence for each.

lockgate.py  Our own format, which is dbmate's
"""
