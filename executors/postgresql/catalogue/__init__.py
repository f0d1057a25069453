"""All that a PostgreSQL database holds but rows, as queries and as values."""
