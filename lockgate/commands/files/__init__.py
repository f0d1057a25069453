"""Commands on migration files, without a database."""
