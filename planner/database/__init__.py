"""What a database says of itself, as values.

address.py       The address of a database, from a URL or from the parts of one
catalogue.py     The catalogue: what a database holds but its rows
facts.py         What a live database says of its tables, as a value the planner can judge by
health.py        How a database, its server and a session's rights are, as values
ledger.py        The ledger: what the database says was applied to it, and the digest of that state
mentioned.py     The names that a text of SQL mentions, as a value; `mentions` reads them
mentions.py      Reads which names a text of SQL mentions: what it may read, call or move
occupancy.py     What a database holds that lockgate has not made
recording.py     Runs that have only recorded
search_path.py   The text of PostgreSQL's search_path as the names of schemas
server.py        What a live server says of itself, and which servers are too old
surroundings.py  What of a schema its surroundings decide on, and no migration
"""
