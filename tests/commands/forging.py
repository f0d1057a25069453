"""Forged documents: every field of a model changed in several ways, with digests that fit again.

The fields are those of the model, so that one that comes to it is forged too.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, zip_longest
from random import Random
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from lockgate.planner.document import document_digest
from lockgate.planner.plan.plan import Plan, intent_digest
from lockgate.planner.plan.statement import statement_digest

Document = dict[str, Any]
Path = tuple[str | int, ...]
Edit = Callable[[Any, Any], object]
DECADE = timedelta(days=3650)


@dataclass(frozen=True)
class Forgery:
    """One change of a document: of the field at `path`, and how."""

    path: Path
    change: str
    edit: Edit

    @property
    def place(self) -> str:
        """The field, by its names."""
        return spell(self.path)

    def made(self, document: Document) -> Document:
        """The forged document, with digests that fit it but where they are what is forged."""
        forged = copy.deepcopy(document)
        self.edit(get(forged, self.path[:-1]), self.path[-1])
        return sealed(forged, self.place)


def forgeries(
    document: Document, model: type[BaseModel], given: Mapping[str, Any]
) -> Iterator[Forgery]:
    """Every change of every field of the document. `given` are values for what is null or empty,
    by the fields."""
    for path, annotation in walk(document, model):
        for change, edit in changes(get(document, path), annotation, given.get(spell(path))):
            yield Forgery(path, change, edit)


def share(found: Iterable[Forgery], seed: str, most: int) -> list[Forgery]:
    """At most so many of them, spread over the fields: always the same for the same seed."""
    random, fields = Random(seed), dict[str, list[Forgery]]()
    for forgery in found:
        fields.setdefault(forgery.place, []).append(forgery)
    columns = list(fields.values())
    random.shuffle(columns)
    for column in columns:
        random.shuffle(column)
    rows = zip_longest(*columns)
    return list(islice((one for row in rows for one in row if one), most))


def walk(value: Any, annotation: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The path of every field and of every entry in it, with its type."""
    models = [one for one in alternatives(annotation) if is_model(one)]
    if path:
        yield path, annotation
    if isinstance(value, dict) and models:
        for name, info in models[0].model_fields.items():
            if name in value:
                yield from walk(value[name], info.annotation, (*path, name))
    elif isinstance(value, dict):
        for name in value:
            yield (*path, name), str
    elif isinstance(value, list):
        inner = next((get_args(one) for one in alternatives(annotation) if get_args(one)), (Any,))
        for place, one in enumerate(value):
            yield from walk(one, inner[0], (*path, place))


def alternatives(annotation: Any) -> Iterator[Any]:
    """The types of a union, without what pydantic notes beside them."""
    if get_origin(annotation) in (Union, UnionType):
        for one in get_args(annotation):
            yield from alternatives(one)
    elif hasattr(annotation, "__metadata__"):
        yield from alternatives(annotation.__origin__)
    else:
        yield annotation


def is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def spell(path: Path) -> str:
    """A path by the names in it: `steps.statements.sql`."""
    return ".".join(part for part in path if isinstance(part, str))


def get(document: Any, path: Path) -> Any:
    for part in path:
        document = document[part]
    return document


def changes(value: Any, annotation: Any, given: Any) -> Iterator[tuple[str, Edit]]:
    """Ways to change a value in its place, each with its name."""
    yield "removed", lambda holder, key: holder.pop(key)
    if given is not None and value in (None, []):
        yield "given", _put(given)
    if value is not None:
        yield "null", _put(None)
        yield from ((name, _put(other)) for name, other in others(value, annotation))


def _put(other: Any) -> Edit:
    def put(holder: Any, key: Any) -> None:
        holder[key] = copy.deepcopy(other)

    return put


def others(value: Any, annotation: Any) -> Iterator[tuple[str, Any]]:
    """Other values of the type of a value, each with a name."""
    words = [
        one
        for each in alternatives(annotation)
        if get_origin(each) is Literal
        for one in get_args(each)
    ]
    if words:
        yield from ((f"as {word}", word) for word in words if word != value)
    elif isinstance(value, bool):
        yield "negated", not value
    elif isinstance(value, int):
        yield from (("one more", value + 1), ("many more", value * 3 + 30_000), ("zero", 0))
    elif isinstance(value, str):
        yield from other_texts(value)
    elif isinstance(value, list):
        yield from (("emptied", []), ("doubled", [*value, *value]))
        yield from (("swapped", value[::-1]), ("beheaded", value[1:]), ("cut", value[:-1]))
    elif isinstance(value, dict) and value:
        yield "emptied", {}


def other_texts(value: str) -> Iterator[tuple[str, str]]:
    yield "empty", ""
    if len(value) == 64 and set(value) <= set("0123456789abcdef"):
        yield "another", value[::-1]
        return
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        moment = None
    if moment and "T" in value:
        for name, moved in (("later", moment + DECADE), ("earlier", moment - DECADE)):
            yield name, moved.isoformat().replace("+00:00", "Z")
    elif value.isdecimal():
        yield "one more", str(int(value) + 1)
    else:
        yield "longer", f"{value}x"
        yield "shorter", value[:-1]


def sealed(document: Document, apart: str = "") -> Document:
    """The document with digests that fit what it says, as far as it can be read at all, but for
    those of the field `apart`."""
    document = copy.deepcopy(document)
    for field, holder in _statements(document):
        with suppress(KeyError, TypeError, ValueError):
            if apart != f"steps.{field}.digest":
                holder["digest"] = statement_digest(holder["sql"], holder["copy_data"])
    with suppress(KeyError, TypeError, ValueError):
        if apart != "intent_digest":
            steps = Plan.model_validate(document | {"intent_digest": "0" * 64}).steps
            document["intent_digest"] = intent_digest(steps)
    with suppress(KeyError, TypeError, ValueError):
        if apart != "digest":
            document["digest"] = document_digest(document)
    return document


def _statements(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    for step in document.get("steps") or ():
        for field in ("statements", "rollback"):
            found = step.get(field) if isinstance(step, dict) else None
            if isinstance(found, list):
                yield from ((field, one) for one in found if isinstance(one, dict))


def dump(document: Document) -> str:
    return json.dumps(document, ensure_ascii=False)


def fields_of(model: type[BaseModel], place: str = "") -> Iterator[str]:
    """Every field of a model and of those in it, by its names."""
    for name, info in model.model_fields.items():
        yield f"{place}{name}"
        for inner in _models(info.annotation):
            yield from fields_of(inner, f"{place}{name}.")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    for one in alternatives(annotation):
        if is_model(one):
            yield one
        else:
            yield from (found for each in get_args(one) for found in _models(each))
