"""Catalogues: their text, their digest, what differs between two of them."""

from lockgate.planner.database.catalogue import (
    Catalogue,
    Detail,
    ObjectDifference,
    assemble,
    differences,
)

ORDERS = Catalogue({"table orders": "engine InnoDB\ncolumn id: type int"})
WIDER = Catalogue({"table orders": "engine InnoDB\ncolumn id: type bigint"})
WITH_VIEW = Catalogue({**ORDERS.objects, "view sums": "definition x"})


def test_equal_objects_have_an_equal_digest_whatever_their_order() -> None:
    other = Catalogue(dict(reversed(WITH_VIEW.objects.items())))
    assert other.digest == WITH_VIEW.digest
    assert WITH_VIEW.digest != ORDERS.digest


def test_a_digest_is_sha_256_and_an_objects_own_is_short() -> None:
    assert len(ORDERS.digest) == 64
    assert [len(digest) for digest in ORDERS.digests().values()] == [16]


def test_equal_catalogues_have_no_differences() -> None:
    assert differences(ORDERS, Catalogue(dict(ORDERS.objects))) == ()
    assert differences(ORDERS.digests(), ORDERS) == ()


def test_a_changed_object_is_shown_by_the_lines_that_changed() -> None:
    lines = ("-column id: type int", "+column id: type bigint")
    assert differences(ORDERS, WIDER) == (ObjectDifference("table orders", "changed", lines),)


def test_a_changed_object_is_known_by_its_kept_digest_without_lines() -> None:
    expected = (ObjectDifference("table orders", "changed"),)
    assert differences(ORDERS.digests(), WIDER) == expected
    assert differences(ORDERS, WIDER.digests()) == expected
    assert differences(ORDERS.digests(), WIDER.digests()) == expected


def test_an_added_object_is_shown_even_when_only_digests_were_kept() -> None:
    expected = (ObjectDifference("view sums", "added", ("+definition x",)),)
    assert differences(ORDERS, WITH_VIEW) == expected
    assert differences(ORDERS.digests(), WITH_VIEW) == expected


def test_a_removed_object_is_shown_where_its_text_is_known() -> None:
    assert differences(WITH_VIEW, ORDERS) == (
        ObjectDifference("view sums", "removed", ("-definition x",)),
    )
    assert differences(WITH_VIEW.digests(), ORDERS) == (ObjectDifference("view sums", "removed"),)


def test_an_object_without_attributes_can_be_added() -> None:
    bare = assemble([Detail("database", "", {"comment": None})])
    assert differences(Catalogue({}), bare) == (ObjectDifference("database", "added"),)


def test_columns_stand_in_their_places_and_other_parts_by_name() -> None:
    details = [
        Detail("table t", "index b", {}),
        Detail("table t", "column z", {}, place=1),
        Detail("table t", "index a", {}),
        Detail("table t", "column y", {}, place=2),
        Detail("table t", "", {"engine": "InnoDB"}),
    ]
    expected = "engine InnoDB\ncolumn z\ncolumn y\nindex a\nindex b"
    assert assemble(details).objects == {"table t": expected}
    assert assemble(reversed(details)) == assemble(details)


def test_a_text_of_many_lines_stays_readable() -> None:
    routine = Detail("procedure p", "", {"body": "begin\n  select 1;\nend", "security": "DEFINER"})
    assert assemble([routine]).objects["procedure p"].split("\n") == [
        "body:",
        "  begin",
        "    select 1;",
        "  end",
        "security DEFINER",
    ]


def test_a_value_cannot_pass_for_another_attribute() -> None:
    one = assemble([Detail("t", "column a", {"comment": "x, default 1"})])
    other = assemble([Detail("t", "column a", {"comment": "x", "default": "1"})])
    assert one.digest != other.digest


def test_an_empty_default_is_not_the_same_as_none() -> None:
    empty = assemble([Detail("t", "column a", {"default": ""})])
    none = assemble([Detail("t", "column a", {"default": None})])
    word = assemble([Detail("t", "column a", {"default": "None"})])
    assert len({empty.digest, none.digest, word.digest}) == 3
