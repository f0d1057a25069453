"""Reads one YAML file strictly, as every YAML reader would, and says which key was meant.

Must not know what the keys mean: the model that the caller hands in does.

PyYAML implements YAML 1.1 (https://yaml.org/type/): `010` is 8, `no` is false, `1:30` is 90, and
of two equal keys the last one wins. Editors and most other tools implement YAML 1.2, where they
are not. A setting of a production database must not depend on that, so such values are refused.

No error shows a value: anyone who puts a password in the wrong place must not find it in a CI log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from lockgate.planner.errors import ConfigurationError
from lockgate.planner.project import INSTEAD, OUTWARD, WHY_NOT, leads_out, read_regular
from lockgate.planner.value import frozen

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEEPEST = 20
DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,17})")
NAME = re.compile(r"[\w-]{1,64}")
QUOTED = re.compile(r"'[^']{2,}'")
QUOTES = "put quotes around the value"
AMBIGUOUS = {
    "bool": "a bare yes, no, on, off or True is a boolean to YAML 1.1 and a word to YAML 1.2: "
    f"write true or false, or {QUOTES}",
    "int": "YAML 1.1 and 1.2 disagree about this number (010 may be 8, 1_000 may be 1000, "
    f"1:30 may be 90): {QUOTES}, or write it plainly",
    "float": f"a bare number with a point loses its zeros (1.10 becomes 1.1): {QUOTES}",
    "timestamp": f"a bare date is no text to YAML 1.1: {QUOTES}",
    "null": f"write null in lower case, or {QUOTES}",
}
TAGS_OF_UNIONS = frozenset({"<map>", "<text>", "[key]"})

Location = tuple[str | int, ...]
FileModel = TypeVar("FileModel", bound=BaseModel)


@frozen
class FilePlace:
    """The place of a key: the line counts from 1; 0 means the file as a whole."""

    path: Path
    line: int = 0


@frozen
class YamlDocument:
    """The map that a YAML file holds, and the place of every key and list item in it."""

    path: Path
    value: Mapping[str, Any]
    places: Mapping[Location, FilePlace]

    def place(self, location: Location) -> FilePlace:
        """The place of a key, or of the nearest key around it that is in a file."""
        while location and location not in self.places:
            location = location[:-1]
        return self.places.get(location, FilePlace(self.path))

    def without(self, *keys: str) -> YamlDocument:
        """The document without these top-level keys."""
        value = {key: item for key, item in self.value.items() if key not in keys}
        places = {at: place for at, place in self.places.items() if at[0] not in keys}
        return YamlDocument(self.path, value, places)

    def over(self, base: YamlDocument) -> YamlDocument:
        """This document laid over another: maps merge, everything else replaces."""
        places = dict(base.places)
        value = _lay_over(base.value, self.value, (), places)
        return YamlDocument(self.path, value, places | dict(self.places))


def read_yaml(path: Path) -> YamlDocument:
    """The one map in a UTF-8 file (a BOM is dropped); an empty file is an empty map.

    Raises: ConfigurationError, with the line, for anything that two YAML readers may read
    differently, and for anchors, aliases and tags: a settings file needs none of them.
    """
    value, places = _read(path)
    if not isinstance(value, dict | None):
        raise ConfigurationError("the file does not hold a map of keys", path=path, line=1)
    return YamlDocument(path, value or {}, places)


def read_yaml_list(path: Path) -> list[Any]:
    """The one list in a file, whose entries are texts and maps; read as strictly.

    Raises: ConfigurationError, as `read_yaml`, and when it holds something else.
    """
    value, places = _read(path)
    for place, entry in enumerate(value if isinstance(value, list) else [None]):
        if not isinstance(entry, str | dict):
            line = places[(place,)].line if (place,) in places else 1
            what = "the file does not hold a list of texts and maps"
            raise ConfigurationError(what, path=path, line=line)
    return list(value)


def _read(path: Path) -> tuple[Any, dict[Location, FilePlace]]:
    text = _read_text(path)
    node = problem = None
    try:
        _refuse_indirection(yaml.parse(text, LOADER), path)
        node = yaml.compose(text, LOADER)
    except yaml.YAMLError as error:
        problem = error
    if problem is not None:
        raise _syntax_error(problem, text, path)
    places: dict[Location, FilePlace] = {}
    return {} if node is None else _value(node, (), path, places), places


def read_extended_yaml(
    name: str, files: Mapping[str, Path], *, own: tuple[str, ...], below: tuple[str, ...] = ()
) -> YamlDocument:
    """The file of this name laid over the one that its key `extends` names, and so on upwards.

    The keys in `own`, the first of which it needs, belong to each file alone and are never taken
    over. `below` holds the files that led here.
    """
    document = read_yaml(files[name])
    if not document.value:
        do = "Write `database: embedded`, a private PostgreSQL, or `database: $DATABASE_URL`."
        raise ConfigurationError(
            f"the file is empty: it needs `{own[0]}:`", path=document.path, do=do
        )
    parent = document.value.get("extends")
    if not isinstance(parent, str):
        return document
    chain, what = (*below, name), ""
    if parent in chain:
        what = f"extends: goes in a circle: {' -> '.join((*chain, parent))}"
    elif parent not in files:
        what = f"extends: names no file beside this one; {did_you_mean(parent, list(files))}"
    if what:
        line = document.place(("extends",)).line
        raise ConfigurationError(what, path=document.path, line=line)
    base = read_extended_yaml(parent, files, own=own, below=chain)
    return document.over(base.without(*own, "extends"))


def parse_yaml(
    document: YamlDocument, model: type[FileModel], hints: Mapping[str, str] | None = None
) -> FileModel:
    """The document as a model. `hints` holds, by key, what to say when that key is wrong.

    Raises: ConfigurationError at the first wrong key; its `why` lists the others.
    """
    problems: list[tuple[FilePlace, str]] = []
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        problems = [_explain(item, document, model, hints or {}) for item in error.errors()]
    (place, what), *others = sorted(problems, key=lambda problem: problem[0].line or 1_000_000)
    why = "\n".join(
        f"{at.path}:{at.line}: {text}" if at.line else f"{at.path}: {text}" for at, text in others
    )
    raise ConfigurationError(what, path=place.path, line=place.line, why=why)


def did_you_mean(word: str, words: list[str]) -> str:
    """A half-sentence that names the nearest known word, or all of them.

    >>> did_you_mean("databse", ["database", "engine"])
    'did you mean database?'
    """
    nearest = get_close_matches(word, words, n=1)
    return f"did you mean {nearest[0]}?" if nearest else f"known: {', '.join(words)}"


def _read_text(path: Path) -> str:
    if leads_out(path):
        raise ConfigurationError(OUTWARD, path=path, why=WHY_NOT, do=INSTEAD)
    try:
        data = read_regular(path)
    except OSError as error:
        raise ConfigurationError(f"cannot be read: {error.strerror}", path=path) from error
    line = 0
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    raise ConfigurationError("the file is not UTF-8", path=path, line=line)


def _refuse_indirection(events: Iterator[Any], path: Path) -> None:
    depth = documents = 0
    for event in events:
        what = ""
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            what = "anchors (&) and aliases (*) are not read: write the value out, or put quotes"
        elif getattr(event, "tag", None) is not None:
            what = f"tags (!) are not read: {QUOTES}"
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            what = "a second document starts here: one file holds one" if documents > 1 else ""
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            what = "nested too deeply" if depth > DEEPEST else ""
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if what:
            raise ConfigurationError(what, path=path, line=event.start_mark.line + 1)


def _syntax_error(error: yaml.YAMLError, text: str, path: Path) -> ConfigurationError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not readable"
    line = mark.line + 1 if mark else 0
    rest = (
        text.split("\n")[mark.line][mark.column :] if mark and mark.line < text.count("\n") else ""
    )
    if rest.startswith("\t"):
        what, do = "a tab, which YAML does not take here", "Indent with spaces."
    else:
        what, do = str(problem), "A value that holds one of : # { [ ! & * % @ needs quotes."
    return ConfigurationError(f"not YAML: {QUOTED.sub('…', what)}", path=path, line=line, do=do)


def _value(node: yaml.Node, at: Location, path: Path, places: dict[Location, FilePlace]) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _map(node, at, path, places)
    if isinstance(node, yaml.SequenceNode):
        places.update(
            {(*at, i): FilePlace(path, n.start_mark.line + 1) for i, n in enumerate(node.value)}
        )
        return [_value(item, (*at, i), path, places) for i, item in enumerate(node.value)]
    return _scalar(node, at, path)


def _map(
    node: yaml.MappingNode, at: Location, path: Path, places: dict[Location, FilePlace]
) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for key_node, item in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or not key_node.tag.endswith(":str"):
            raise ConfigurationError("a key is text: put quotes around it", path=path, line=line)
        key, here = key_node.value, (*at, key_node.value)
        if key in value:
            what = f"{_dotted(here)}: is here twice, first in line {places[here].line}"
            raise ConfigurationError(what, path=path, line=line)
        places[here] = FilePlace(path, line)
        value[key] = _value(item, here, path, places)
    return value


def _scalar(node: yaml.Node, at: Location, path: Path) -> str | int | bool | None:
    kind, text = node.tag.rpartition(":")[2], node.value
    if kind == "str":
        return str(text)
    if kind == "null" and text in ("", "~", "null"):
        return None
    if kind == "bool" and text in ("true", "false"):
        return bool(text == "true")
    if kind == "int" and DECIMAL.fullmatch(text):
        return int(text)
    what = f"{_dotted(at)}: " if at else ""
    what += AMBIGUOUS.get(kind, QUOTES)
    raise ConfigurationError(what, path=path, line=node.start_mark.line + 1)


def _lay_over(
    base: Mapping[str, Any], top: Mapping[str, Any], at: Location, places: dict[Location, FilePlace]
) -> dict[str, Any]:
    merged = dict(base)
    for key, item in top.items():
        here = (*at, key)
        if isinstance(item, dict) and isinstance(base.get(key), dict):
            merged[key] = _lay_over(base[key], item, here, places)
            continue
        merged[key] = item
        for gone in [place for place in places if place[: len(here)] == here]:
            del places[gone]
    return merged


def _explain(
    error: Any, document: YamlDocument, model: type[BaseModel], hints: Mapping[str, str]
) -> tuple[FilePlace, str]:
    location: Location = tuple(part for part in error["loc"] if part not in TAGS_OF_UNIONS)
    key = _dotted(location)
    text = _sentence(error, location, model)
    hint = hints.get(key, "") if error["type"] != "value_error" else ""
    what = f"{key}: {text}" if key else text
    return document.place(location), f"{what}; {hint}" if hint else what


def _sentence(error: Any, location: Location, model: type[BaseModel]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key; {_suggest(location, model)}"
    if kind == "value_error":
        return str(context["error"])
    if error["input"] is None and kind.endswith(("_type", "_error")):
        return "is empty"
    return {
        "missing": "is missing",
        "string_type": f"is text: {QUOTES}",
        "bool_type": "is true or false, without quotes",
        "int_type": "is a whole number, without quotes",
        "model_type": "is a map: its keys are below it, indented",
        "dict_type": "is a map: its keys are below it, indented",
        "literal_error": f"is one of {context.get('expected')}",
        "string_pattern_mismatch": f"does not match {context.get('pattern')}",
    }.get(kind, str(error["msg"]).replace("Input s", "s"))


def _suggest(location: Location, model: type[BaseModel]) -> str:
    """Where an unknown key may belong: in another map, or under another spelling."""
    *around, key = (str(part) for part in location)
    maps = {name: _keys(_models(field.annotation)) for name, field in model.model_fields.items()}
    within = [model]
    for part in around:
        fields = [kind.model_fields[part] for kind in within if part in kind.model_fields]
        within = [inner for field in fields for inner in _models(field.annotation)]
    known = _keys(within)
    elsewhere = [name for name, keys in maps.items() if key in keys and [name] != around]
    if elsewhere and not get_close_matches(key, known):
        return f"it belongs under {elsewhere[0]}:"
    return did_you_mean(key, known)


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models that an annotation names, alone or inside a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    parts = getattr(annotation, "__args__", ())
    return list(dict.fromkeys(found for part in parts for found in _models(part)))


def _keys(models: list[type[BaseModel]]) -> list[str]:
    return list(dict.fromkeys(key for kind in models for key in kind.model_fields))


def _dotted(location: Location) -> str:
    """The key path, without a part that cannot be a key's name: it may be a URL gone astray."""
    return ".".join(str(part) if NAME.fullmatch(str(part)) else "…" for part in location)
