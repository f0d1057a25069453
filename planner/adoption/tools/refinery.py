"""refinery: a row for each version, with a SipHash that depends on its release.

https://github.com/rust-db/refinery/blob/main/refinery_core/src/traits/mod.rs
"""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.planner.adoption.tool import (
    AppliedThere,
    MigrationTool,
    Testimony,
    as_moment,
    text_of,
    words,
)
from lockgate.planner.database.occupancy import TableRow


def _read(rows: Sequence[TableRow]) -> Testimony:
    """What its table says."""
    ordered = sorted(rows, key=lambda row: int(row["version"]))
    return Testimony(
        tuple(
            AppliedThere(
                text_of(row["version"]), text_of(row["name"]), as_moment(row["applied_on"])
            )
            for row in ordered
        )
    )


TOOL = MigrationTool(
    name="refinery",
    tables=words("refinery_schema_history"),
    columns=words("version name applied_on checksum"),
    read=_read,
)
