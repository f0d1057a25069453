"""All that a database of MySQL or MariaDB holds but rows, as queries and as values."""
