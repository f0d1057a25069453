"""Values: frozen dataclasses with slots, whose classes cost a tenth to make.

`dataclass(frozen=True, slots=True)` compiles six functions for each class, in half a millisecond,
and a command imports two hundred. Here two are compiled, when a value is first made; what compares,
hashes and shows values reads their fields. Must not differ from such a dataclass in what it does.

Nor does it set each field past the class that refuses it, which costs ten times as much: a value is
filled as one of an open class of the same layout, and is given its own class then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from dataclasses import replace as replace_field
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


def replace(value: _T, **changes: Any) -> _T:
    """The value with other fields, as `dataclasses.replace` gives it."""
    made = value.__class__
    copy = _COPIES.get(made)
    if copy is None:  # none was made by its `__init__` yet, or another decorator's
        return replace_field(value, **changes)  # type: ignore[type-var]
    return copy(value, changes)  # type: ignore[no-any-return]


_COPIES: dict[type, Callable[..., Any]] = {}


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
    """The `__init__` of a class; how a value of it is copied is compiled along."""
    # Names that no field has.
    names: dict[str, Any] = {"__absent": MISSING, "__put": object.__setattr__, "__made": made}
    names |= {"__open": _open(made), "__new": object.__new__}
    arguments, given = ["self"], {}
    for each in fields(made):
        names[f"default_{each.name}"] = _default(each)
        arguments.append(each.name + _assigned(each))
        given[each.name] = each.name
        if each.default_factory is not MISSING:
            default = f"default_{each.name}"
            given[each.name] = f"{default}() if {each.name} is __absent else {each.name}"
    init = [
        "if self.__class__ is __made:",
        "    __put(self, '__class__', __open)",
        *(f"    self.{name} = {value}" for name, value in given.items()),
        "    self.__class__ = __made",
        "else:",  # of a class made from it
        *(f"    __put(self, {name!r}, {value})" for name, value in given.items()),
        "    pass",
    ]
    copy = [
        "if changes.keys() - __names:",
        "    raise TypeError(f'{__made.__qualname__} has no fields {changes.keys() - __names}')",
        "copied = __new(__open)",
        *(f"copied.{name} = self.{name}" for name in given),
        "for name, given in changes.items():",
        "    setattr(copied, name, given)",
        "copied.__class__ = __made",
    ]
    if hasattr(made, "__post_init__"):
        init.append("self.__post_init__()")
        copy.append("copied.__post_init__()")
    names["__names"] = given.keys()
    _define("__init__", arguments, init, names)
    _define("__copy", ["self", "changes"], [*copy, "return copied"], names)
    _COPIES[made] = names["__copy"]
    compiled: Callable[..., None] = names["__init__"]
    compiled.__qualname__ = f"{made.__qualname__}.__init__"
    return compiled


def _define(name: str, arguments: list[str], lines: list[str], names: dict[str, Any]) -> None:
    body = "".join(f"\n    {line}" for line in lines)
    exec(f"def {name}({', '.join(arguments)}):{body}", names)


def _open(made: Any) -> type:
    """A class of the same layout whose fields can be set."""
    body = {"__slots__": made.__slots__, "__setattr__": object.__setattr__}
    if "__orig_bases__" in made.__dict__:  # `Generic` wants to see it
        body["__orig_bases__"] = made.__orig_bases__
    opened: type = type(made)(made.__name__, made.__bases__, body)
    return opened


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
