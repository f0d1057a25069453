"""What an environment may change of the one that it extends: outside of `policy:` too, only to be
stricter.

Reads no file. Policies say themselves what is looser: `planner.environments.policy`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lockgate.planner.environments.keys import ExtendedFile

Key = tuple[str, ...]

KEPT: tuple[Key, ...] = (("project",), ("migrations",), ("history", "table"), ("history", "schema"))
"""What another value of makes another ledger, lock or set of files: once it is stated, it stays."""
FALLING: tuple[Key, ...] = (("max_plan_age",), ("thresholds", "rows"), ("thresholds", "size"))
"""What is stricter the smaller it is, stated or not; null is without an end."""
BOUNDED: tuple[Key, ...] = (("timeouts", "lock"), ("timeouts", "statement"), ("retries", "lock"))
"""The same where it is stated."""
ENDED: tuple[Key, ...] = (("blockers", "cancel"), ("blockers", "terminate_idle_in_transaction"))
"""Which sessions a run may end: stricter is none, and later, where `blockers` is stated."""


def loosened_key(file: ExtendedFile, base: ExtendedFile, stated: Mapping[str, Any]) -> Key | None:
    """The first key by which an environment lets more pass than the one that it extends, whose
    files say what is `stated`; None: there is none."""
    return next(_loosened(file, base, stated), None)


def _loosened(file: ExtendedFile, base: ExtendedFile, stated: Mapping[str, Any]) -> Iterator[Key]:
    for key in KEPT:
        if _is_stated(key, stated) and _value(file, key) != _value(base, key):
            yield key
    if (file.drift, base.drift) == ("ignore", "check"):
        yield ("drift",)
    if base.drift == "check" and not set(file.unmanaged) <= set(base.unmanaged):
        yield ("unmanaged",)
    if (base.drift, base.drift_scope, file.drift_scope) == ("check", "database", "schema"):
        yield ("drift_scope",)
    for key in ENDED if _is_stated(("blockers",), stated) else ():
        if _ends_more(_value(file, key), _value(base, key)):
            yield key
    for key in FALLING + tuple(key for key in BOUNDED if _is_stated(key, stated)):
        if _limit(file, key) > _limit(base, key):
            yield key


def _ends_more(value: str | float | None, base: str | float | None) -> bool:
    """
    >>> _ends_more("autovacuum", None), _ends_more(30.0, 60.0), _ends_more(60.0, 30.0)
    (True, True, False)
    """
    if value is None or base is None:
        return value is not None
    return isinstance(value, float) and isinstance(base, float) and value < base


def _is_stated(key: Key, stated: Mapping[str, Any]) -> bool:
    value: Any = stated
    for name in key:
        if not isinstance(value, Mapping) or name not in value:
            return False
        value = value[name]
    return True


def _value(file: ExtendedFile, key: Key) -> Any:
    value: Any = file
    for name in key:
        value = getattr(value, f"{name}_" if name == "schema" else name)
    return value


def _limit(file: ExtendedFile, key: Key) -> float:
    value = _value(file, key)
    return float("inf") if value is None else float(value)
