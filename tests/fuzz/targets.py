"""The readers that take what a stranger wrote, each with texts that it reads."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from lockgate.executors.programs.signatures import AllowedSigners, verify_signature
from lockgate.planner.building.observation import Observation
from lockgate.planner.building.statefile import note_state, read_state
from lockgate.planner.document import document_digest, render_document
from lockgate.planner.environments.environment import read_environment
from lockgate.planner.errors import LockgateError
from lockgate.planner.migrations.format import parse_sections
from lockgate.planner.migrations.formats.lockgate import read_migration
from lockgate.planner.migrations.template import render
from lockgate.planner.plan.planfile import parse_plan, render_plan
from lockgate.planner.plan.receipt import FinishedRun, make_receipt, parse_receipt
from lockgate.planner.sql.dialect import DIALECTS
from tests.planner.literals import NOW, SERVER, UUID, ledger, migration, up_plan

ROOT = Path(__file__).parents[2]
PLAN = up_plan([migration(1), migration(2, requires="1")])
RUN = FinishedRun(
    "7d0c", PLAN.digest, "ann", ("ann",), "0.1.0", NOW, NOW + timedelta(seconds=2), ""
)
STATE = note_state(
    Observation(SERVER, ledger([migration(1)])), project="shop", environment="dev", tool_version="1"
)
TEMPLATE = "{% for n in range(3) %}{{ name | upper }}{{ n ** 2 }}{% endfor %}{{ name.ljust(9) }}"
MIGRATION = """-- migrate:requires 001
-- migrate:allow drops-data nobody reads it
-- migrate:up transaction:false
create function f() returns int language sql as $$ select 1; $$;
insert into t values (E'a\\'', "b");
/* a /* b */ */ copy t from stdin;
1\t2
\\.
-- migrate:down
drop table t;
"""
SIGNATURE = "-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQ==\n-----END SSH SIGNATURE-----\n"


@dataclass(frozen=True)
class Target:
    """A reader: `read` may raise a LockgateError, and nothing else. `seal` makes the digests of an
    edited text fit again, so that what is behind them is reached too."""

    seeds: tuple[bytes, ...]
    read: Callable[[bytes], object]
    seal: Callable[[bytes], bytes] | None = None


def _by_file(read: Callable[[Path], object], name: str) -> Callable[[bytes], object]:
    folder = Path(tempfile.mkdtemp())

    def read_bytes(data: bytes) -> object:
        (folder / name).write_bytes(data)
        return read(folder)

    return read_bytes


def _environment(folder: Path) -> object:
    for path in (ROOT / "environments").glob("[!d]*.yaml"):
        (folder / path.name).write_bytes(path.read_bytes())
    return read_environment("dev", folder, variables={})


def _migration(data: bytes) -> None:
    for dialect in DIALECTS.values():
        with suppress(LockgateError):
            parse_sections(read_migration("002_a.sql", data, dialect), dialect, {"name": "x"})


def _template(data: bytes) -> None:
    render(data.decode("utf-8", "replace"), {"name": "shop"})


def _signature(folder: Path) -> None:
    allowed = AllowedSigners(ROOT / "pyproject.toml")
    verify_signature(b"text", (folder / "s").read_text("utf-8", "replace"), allowed, "plan", NOW)


def _sealed(data: bytes) -> bytes:
    """A document whose digest fits; what is no document stays as it is."""
    try:
        document = json.loads(data)
        document["digest"] = document_digest(document)
        return json.dumps(document).encode()
    except Exception:
        return data


def _environments() -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted((ROOT / "environments").glob("*.yaml")))


TARGETS: Mapping[str, Target] = {
    "plan": Target(
        (render_plan(PLAN).encode(),), lambda data: parse_plan(data, "plan.json"), _sealed
    ),
    "receipt": Target(
        (render_document(make_receipt(PLAN, RUN, uuid=UUID)).encode(),),
        lambda data: parse_receipt(data, "receipt.json"),
        _sealed,
    ),
    "state": Target(
        (render_document(STATE).encode(),),
        _by_file(lambda folder: read_state(folder / "state.json"), "state.json"),
        _sealed,
    ),
    "signature": Target((SIGNATURE.encode(),), _by_file(_signature, "s")),
    "yaml": Target(_environments(), _by_file(_environment, "dev.yaml")),
    "template": Target((TEMPLATE.encode(),), _template),
    "migration": Target((MIGRATION.encode(),), _migration),
}
