"""What MySQL and MariaDB can do with less closed: the ways that a server is asked for.

guarding.py  ALTER TABLE and indexes with the ALGORITHM and LOCK that the server takes
"""
