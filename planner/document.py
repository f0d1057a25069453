"""Documents as files with a digest: sealed, written, and read only if nothing has altered them.

Knows no document: `planfile`, `statefile` and `receipt` say which there are. One is a JSON object
with `format`, `format_version` and `digest`, which is over all the rest.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from lockgate.planner.canonical import PIECE, canonical_pieces
from lockgate.planner.errors import (
    AlteredPlan,
    InvalidPlan,
    MalformedPlan,
    UnsupportedPlan,
    UsageError,
)
from lockgate.planner.project import read_regular, refuse_outward_link
from lockgate.planner.quantities import short_digest
from lockgate.planner.value import frozen

UNSEALED = "0" * 64
"""Fills the place of a digest until there is one."""
LONGEST_INTEGER = 16  # digits of 2**53, beyond which a number is not exact in JSON

Document = TypeVar("Document", bound=BaseModel)


@frozen
class Kind(Generic[Document]):
    """A kind of document: its model, its format, and what people call it.

    `again` says how to have a new one, `elsewhere` how to write it to another place, and `stake`
    why an altered one is refused.
    """

    model: type[Document]
    noun: str
    format: str
    version: str
    again: str
    elsewhere: str
    stake: str


def render_document(document: BaseModel) -> str:
    """The document as its file holds it: JSON, indented, the same bytes for the same document."""
    return "".join(_file_pieces(document))


def _file_pieces(document: BaseModel) -> Iterator[str]:
    yield from _indented(dump_document(document), 2)
    yield "\n"


def _indented(value: Any, levels: int, line: str = "\n") -> Iterator[str]:
    """A value as indented JSON; so many levels, and those of what is large, are taken apart, so
    that a large document is not in memory once more."""
    text = b"" if levels > 0 else to_json(value, indent=2)
    if not (isinstance(value, dict | list) and value) or 0 < len(text) < PIECE:
        yield (text or to_json(value)).decode().replace("\n", line)
        return
    del text
    is_object, inner = isinstance(value, dict), f"{line}  "
    yield "{" if is_object else "["
    for place, one in enumerate(value):
        key = f"{json.dumps(one, ensure_ascii=False)}: " if is_object else ""
        yield f"{',' if place else ''}{inner}{key}"
        yield from _indented(value[one] if is_object else one, levels - 1, inner)
    yield f"{line}}}" if is_object else f"{line}]"


def dump_document(document: BaseModel) -> dict[str, Any]:
    """The document as JSON's values. One that an older lockgate made has the keys that it came
    with and no other, since its digest is over these."""
    return document.model_dump(mode="json", exclude_unset=_is_older(document))


def sealed(document: Document) -> Document:
    """The document with the digest of all the rest of it."""
    digest = document_digest(dump_document(document))
    return document.model_copy(update={"digest": digest})


def document_schema(kind: Kind[Any]) -> dict[str, Any]:
    """The JSON Schema of such a document, as published in docs/reference/."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **kind.model.model_json_schema(mode="serialization"),
        "title": f"lockgate {kind.noun}, format {kind.version}",
    }


def document_pieces(document: BaseModel, size: int) -> Iterator[str]:
    """The same as canonical JSON, cut into pieces of so many bytes at most, as a database keeps
    it."""
    whole = bytearray()
    for text in canonical_pieces(dump_document(document)):
        whole += text.encode()
        while len(whole) >= size:
            end = _end_of_character(whole, size)
            yield whole[:end].decode()
            del whole[:end]
    yield whole.decode()


def _end_of_character(text: bytearray, end: int) -> int:
    """The last place at or before `end` where UTF-8 may be cut."""
    while end < len(text) and text[end] & 0xC0 == 0x80:
        end -= 1
    return end


def _is_older(document: BaseModel) -> bool:
    own = type(document).model_fields["format_version"].default
    return bool(getattr(document, "format_version", own) != own)


def document_digest(document: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of a document as canonical JSON (RFC 8785), without its `digest`.

    Raises:
        ValueError: the document holds what canonical JSON cannot.
    """
    rest = {key: value for key, value in document.items() if key != "digest"}
    found = hashlib.sha256()
    for piece in canonical_pieces(rest):
        found.update(piece.encode())
    return found.hexdigest()


def write_document(document: BaseModel, path: Path, kind: Kind[Any]) -> None:
    """Writes the file whole or not at all, readable by its owner only (mode 0600).

    A device or a pipe, such as /dev/stdout, is written to and not replaced.

    Raises:
        UsageError: the file cannot be written there.
    """
    try:
        write_whole(path, _file_pieces(document))
    except OSError as error:
        raise UsageError(
            f"The {kind.noun} cannot be written to {path}: {error.strerror}.", do=kind.elsewhere
        ) from error


def write_whole(path: Path, pieces: Iterable[str]) -> None:
    """Writes a text to a file whole or not at all, mode 0600; a device or a pipe is written to.

    Raises:
        OSError: it cannot be written.
        UsageError: it is a link that leads out of the project.
    """
    refuse_outward_link(path)
    path = path.resolve()
    if path.exists() and not path.is_file() and not path.is_dir():
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(pieces)
        return
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


def read_document(path: Path, kind: Kind[Document]) -> Document:
    """The document in a file, its format and digest checked.

    Raises:
        UsageError: there is no such file, or it cannot be read.
        InvalidPlan: it is not of this kind, was altered, or has an unknown format.
    """
    return parse_document(read_raw_document(path, kind), str(path), kind)


def read_raw_document(path: Path, kind: Kind[Any]) -> bytes:
    """What such a file holds.

    Raises:
        UsageError: there is no such file, or it cannot be read.
    """
    refuse_outward_link(path)
    try:
        return read_regular(path)
    except OSError as error:
        raise UsageError(
            f"The {kind.noun} {path} cannot be read: {error.strerror}.", do=kind.again
        ) from error


def parse_document(data: bytes, name: str, kind: Kind[Document]) -> Document:
    """The document in JSON bytes; `name` says in errors where they came from."""
    return check_document(parse_object(data, name, kind), name, kind)


def check_document(document: dict[str, Any], name: str, kind: Kind[Document]) -> Document:
    """The same of JSON's values."""
    _refuse_other_format(document, name, kind)
    _refuse_altered(document, name, kind)
    try:
        return kind.model.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise MalformedPlan(
            f"{name} is not a whole {kind.noun}: {place or 'the document'}: {first['msg']}.",
            do=kind.again,
        ) from error


def parse_object(data: bytes, name: str, kind: Kind[Any]) -> dict[str, Any]:
    """JSON's values in the bytes of a document of this kind, which are not yet checked further."""
    try:
        document = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_integer,
        )
    except InvalidPlan as error:
        error.do = kind.again
        raise
    except UnicodeDecodeError as error:
        raise _not(kind, name, f"byte {error.start} is not valid UTF-8") from error
    except RecursionError as error:
        raise _not(kind, name, "it is nested too deep") from error
    except ValueError as error:
        raise _not(kind, name, f"it is not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != kind.format:
        raise _not(kind, name, f'it does not say "format": "{kind.format}"')
    return document


def _not(kind: Kind[Any], name: str, why: str) -> MalformedPlan:
    return MalformedPlan(f"{name} is not a {kind.noun}: {why}.", do=kind.again)


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    # Python keeps the last of two equal keys and other readers the first: a reviewer could
    # be shown one plan and the server given another.
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise MalformedPlan(f"It has the key {key!r} twice in one object.")
        result[key] = value
    return result


def _refuse_constant(text: str) -> Any:
    raise MalformedPlan(f"It holds {text}, which is not JSON.")


def _integer(text: str) -> int:
    if len(text) > LONGEST_INTEGER:
        raise MalformedPlan(f"It holds the number {text[:LONGEST_INTEGER]}…, which is too large.")
    return int(text)


def _refuse_other_format(document: dict[str, Any], name: str, kind: Kind[Any]) -> None:
    if "format_version" not in document:
        raise _not(kind, name, "it has no format_version")
    version = str(document["format_version"])
    if version.partition(".")[0] != kind.version.partition(".")[0]:
        raise UnsupportedPlan(
            f"{name} has {kind.noun} format {version}; this lockgate reads {kind.version}.",
            do=f"Use the lockgate that made the {kind.noun}, or make a new one.",
        )
    minor, known = version.partition(".")[2], kind.version.partition(".")[2]
    if minor.isdecimal() and int(minor) > int(known):
        raise UnsupportedPlan(
            f"{name} has {kind.noun} format {version}; this lockgate is too old for it and reads "
            f"{kind.noun}s up to {kind.version}.",
            why="It may say what this lockgate would not show or not check.",
            do=f"Update lockgate, or make the {kind.noun} with this one.",
        )


def _refuse_altered(document: dict[str, Any], name: str, kind: Kind[Any]) -> None:
    try:
        found = document_digest(document)
    except RecursionError as error:
        raise _not(kind, name, "it is nested too deep") from error
    except ValueError as error:
        raise _not(kind, name, str(error)) from error
    if found != document.get("digest"):
        raise AlteredPlan(
            f"{name} was altered after it was made: its digest is {short_digest(found)}, "
            f"and it says {short_digest(str(document.get('digest')))}.",
            why=kind.stake,
            do=kind.again,
        )
