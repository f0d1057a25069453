"""The running of a fleet's plan: targets are found, and done wave by wave.

control.py        Sessions on the databases that are asked about a fleet
coordinator.py    The coordinator: what is noted of a fleet's runs
crew.py           Who does the work of a fleet's run
driver.py         The driver of a fleet's run
local.py          A crew of threads in this process: connections wait for servers most of the time
procrastinate.py  A crew of workers elsewhere
stand.py          The state of a fleet, as values; asks no server
tables.py         The tables in which a coordinator notes the progress of a fleet's runs
targets.py        Finding the targets of a fleet: by asking a server, a file or a program
worker.py         A worker of a fleet: takes jobs from the queue, until it is asked to leave
"""
