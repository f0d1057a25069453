"""What `frozen` makes is held against the dataclass that it stands for."""

import copy
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass, field, fields
from typing import Any

import pytest

from lockgate.planner.value import frozen, replace


class Shape:
    """What both have: two fields to give, three with defaults, one of which is not compared and
    one not shown."""

    name: str
    size: int
    absent: str = "none"
    seen: int = field(default=0, compare=False)
    extra: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False, compare=False)


def shaped(decorate: Any) -> Any:
    """The shape as a class of its own."""
    body = {name: value for name, value in vars(Shape).items() if name[:2] != "__"}
    body |= {"__annotations__": Shape.__annotations__, "__module__": __name__, "__doc__": "One."}
    return decorate(type("One", (), body))


Ours, Theirs = shaped(frozen), shaped(dataclass(frozen=True, slots=True))
MADE = [(("a", 1), {}), (("a",), {"size": 1}), (("b", 1, "x"), {"seen": 3}), (("b", 2), {})]


@frozen
class Checked:
    """A value that is looked at when it is made."""

    low: int
    high: int = 9

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"{self.low} > {self.high}")


@frozen
class Wider(Checked):
    """A value with one field more, and a comparison of its own."""

    step: int = 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Wider) and self.step == other.step

    __hash__ = None  # type: ignore[assignment]


@frozen
class Nothing:
    pass


@pytest.mark.parametrize(("given", "named"), MADE)
def test_it_is_made_shown_and_changed_as_a_dataclass_is(
    given: tuple[Any, ...], named: dict[str, Any]
) -> None:
    ours, theirs = Ours(*given, **named), Theirs(*given, **named)
    assert repr(ours) == repr(theirs)
    assert [getattr(ours, each.name) for each in fields(ours)] == [
        getattr(theirs, each.name) for each in fields(theirs)
    ]
    assert repr(replace(ours, size=7)) == repr(replace(theirs, size=7))
    assert Ours.__match_args__ == Theirs.__match_args__
    assert Ours.__slots__ == Theirs.__slots__


def test_it_is_compared_and_hashed_as_a_dataclass_is() -> None:
    def answers(made: Any) -> list[tuple[bool, bool]]:
        values = [made(*given, **named) for given, named in MADE]
        return [(one == other, hash(one) == hash(other)) for one in values for other in values]

    assert answers(Ours) == answers(Theirs)
    assert Ours("a", 1) != Theirs("a", 1)
    assert Nothing() == Nothing() != Checked(1)
    assert repr(Nothing()) == "Nothing()"


def test_it_refuses_what_a_dataclass_refuses() -> None:
    one = Ours("a", 1)
    for change in (
        lambda: setattr(one, "size", 2),
        lambda: setattr(one, "other", 2),
        lambda: delattr(one, "size"),
    ):
        with pytest.raises((FrozenInstanceError, AttributeError)):
            change()
    assert one.size == 1
    for given in ((), ("a",), ("a", 1, "b", 2, {}, 3)):
        with pytest.raises(TypeError, match=r"One\.__init__\(\)"):
            Ours(*given)
    assert Ours("a", 1).extra is not Ours("a", 1).extra


def test_what_a_class_says_itself_is_kept_and_inherited() -> None:
    with pytest.raises(ValueError, match="3 > 2"):
        Checked(3, 2)
    with pytest.raises(ValueError, match="3 > 2"):
        Wider(3, 2, 1)
    assert Wider(1, 2, 3) == Wider(4, 5, 3)
    with pytest.raises(TypeError, match="unhashable"):
        hash(Wider(1))


def test_copies_and_pickles_are_equal() -> None:
    one = Checked(1, 2)
    assert copy.copy(one) == copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one


class Loose(Checked):
    """A class of others, made from a value's: it has room for more."""


def test_a_changed_value_is_looked_at_and_all_else_is_kept() -> None:
    one = Wider(1, 2, 3)
    assert (replace(one, low=2).low, replace(one, low=2).step) == (2, 3)
    assert type(replace(one)) is Wider
    with pytest.raises(ValueError, match="3 > 2"):
        replace(one, low=3)
    with pytest.raises(TypeError, match="wide"):
        replace(one, wide=3)
    with pytest.raises(FrozenInstanceError):
        setattr(replace(one, low=2), "low", 1)  # noqa: B010


def test_a_class_made_from_a_value_s_is_filled_and_changed_too() -> None:
    loose = Loose(1, 2)
    assert (loose.low, loose.high, replace(loose, high=5).high) == (1, 2, 5)
    assert type(replace(loose, high=5)) is Loose
