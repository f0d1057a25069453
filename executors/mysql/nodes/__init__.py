"""One database on several servers of MySQL and MariaDB: clusters, and primaries with replicas.

cluster.py  A Galera cluster
lineage.py  The servers that one MySQL database lives on, one after another
"""
