"""Other tools' histories, taken over: whose a table is, what it says, and a plan that records it.

Each tool is one file, found by being there, a module with `TOOL`. It asks no database: the rows are
handed in.

going_back.py   Whether the other tool may go on with a database
matching.py     Which migrations another tool's history names, and why it cannot be taken over
noting.py       What another tool is to note of migrations that were run without it
other_tool.py   The other tool after its history was taken over: nothing may change there unseen
plan.py         The plan that takes another tool's history over
recognition.py  Whose history a table is: every file in `tools` is asked
siphash.py      SipHash-1-3, by which Rust's standard library hashes
tool.py         A tool that has migrated a database: how its history is known, read and verified
tools/          Tools whose histories can be taken over, one a file, found by being there
variants.py     The bytes that a file may have had for another tool
"""
