"""Commands for programs that work beside people."""
