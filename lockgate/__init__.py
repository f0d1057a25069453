"""lockgate talks: the command line, what it prints, and nothing that it decides."""

__version__ = "0.1.0"
