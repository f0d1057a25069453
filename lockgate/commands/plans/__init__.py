"""Commands that write or read plan files."""
