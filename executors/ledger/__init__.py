"""What the database holds for lockgate, read and written by SQL that every engine understands."""
