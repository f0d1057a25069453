"""Tools for agents: what a program that writes SQL may ask of lockgate; none changes a database.

calls.py   Calls of lockgate's own commands for an agent: only those that change no database
server.py  The server of the Model Context Protocol on stdin and stdout, by its official SDK
tools.py   The tools of `migrate mcp`, as functions
"""
