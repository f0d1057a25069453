"""The tables in which a coordinator notes the progress of a fleet's runs.

A cache: what is applied, each target's own ledger says. Asks no server.
"""

from __future__ import annotations

# A run is known by the digest of its plan: the same plan goes on with the same run.
CREATE = (
    """create table if not exists {run} (
    digest char(64) primary key, project varchar(255) not null, environment varchar(255) not null,
    state varchar(20) not null, actor varchar(255) not null, approvers varchar(4000) not null,
    wave int not null, started_at {moment} not null, wave_ended_at {moment},
    finished_at {moment}, reason varchar(4000) not null){table}""",
    """create table if not exists {piece} (
    digest char(64) not null, piece int not null, text {long} not null,
    primary key (digest, piece)){table}""",
    """create table if not exists {target} (
    digest char(64) not null, name varchar(255) not null, wave int not null, part int not null,
    state varchar(20) not null, detail varchar(4000) not null, run varchar(36) not null,
    changed_at {moment} not null, primary key (digest, name)){table}""",
    # Of the plan, by the names of their files; workers verify them themselves.
    """create table if not exists {signature} (
    digest char(64) not null, name varchar(255) not null, text {long} not null,
    primary key (digest, name)){table}""",
)
TYPES = {
    "postgresql": {"moment": "timestamptz", "long": "text", "table": ""},
    "mysql": {
        "moment": "datetime(6)",
        "long": "mediumtext",
        "table": " engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin",
    },
}
