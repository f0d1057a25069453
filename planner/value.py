"""Values: frozen dataclasses with slots, whose classes cost a tenth to make.

`dataclass(frozen=True, slots=True)` compiles six functions for each class, in half a millisecond,
and a command imports two hundred. Here one is compiled, when a value is first made; what compares,
hashes and shows values reads their fields. Must not differ from such a dataclass in what it does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[_T]) -> type[_T]:
    """The class as a frozen dataclass with slots."""
    if not cls.__doc__:  # or `dataclass` would write its signature there
        cls.__doc__ = cls.__name__
    made: Any = dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    names = tuple(each.name for each in fields(made) if each.compare)
    _give(made, _comparison(attrgetter(*names) if names else lambda one: ()))
    _give(made, {"__init__": _first_init(made), "__repr__": _show, "__setattr__": _refuse_to_set})
    _give(made, {"__delattr__": _refuse_to_set, "__setstate__": _restore})
    return made  # type: ignore[no-any-return]


def _give(made: type, methods: dict[str, Any]) -> None:
    for name, method in methods.items():
        if name not in made.__dict__:
            setattr(made, name, method)


def _comparison(read: Callable[[Any], object]) -> dict[str, Any]:
    """How values of a class are compared and hashed: by what `read` reads of one."""

    def equals(self: Any, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return read(self) == read(other)

    def hashed(self: Any) -> int:
        return hash(read(self))

    return {"__eq__": equals, "__hash__": hashed}


def _first_init(made: Any) -> Callable[..., None]:
    """An `__init__` that puts the real one in its place: most classes make no value in a run."""

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        made.__init__ = _compile_init(made)
        made.__init__(self, *args, **kwargs)

    return init


def _compile_init(made: Any) -> Callable[..., None]:
    # Names that no field has.
    names: dict[str, Any] = {"__absent": MISSING, "__put": object.__setattr__}
    arguments, lines = ["self"], []
    for each in fields(made):
        names[f"default_{each.name}"] = _default(each)
        arguments.append(each.name + _assigned(each))
        given = each.name
        if each.default_factory is not MISSING:
            given = f"default_{given}() if {given} is __absent else {given}"
        lines.append(f"__put(self, {each.name!r}, {given})")
    if hasattr(made, "__post_init__"):
        lines.append("self.__post_init__()")
    body = "".join(f"\n    {line}" for line in lines or ["pass"])
    exec(f"def __init__({', '.join(arguments)}):{body}", names)
    init: Callable[..., None] = names["__init__"]
    init.__qualname__ = f"{made.__qualname__}.__init__"
    return init


def _default(each: Field[Any]) -> object:
    return each.default if each.default_factory is MISSING else each.default_factory


def _assigned(each: Field[Any]) -> str:
    if each.default_factory is not MISSING:
        return "=__absent"
    return "" if each.default is MISSING else f"=default_{each.name}"


def _show(self: Any) -> str:
    shown = (f"{each.name}={getattr(self, each.name)!r}" for each in fields(self) if each.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse_to_set(self: object, name: str, *given: object) -> None:
    raise FrozenInstanceError(f"{type(self).__qualname__}.{name} cannot be changed")


def _restore(self: object, state: tuple[None, dict[str, object]]) -> None:
    """What is copied or unpickled is given its fields."""
    for name, given in state[1].items():
        object.__setattr__(self, name, given)
