"""SHOW CREATE TABLE texts of MySQL and MariaDB, read and compared without a server."""

import pytest

from lockgate.executors.mysql.table.definition import Table, is_same_table, read_table
from lockgate.executors.mysql.undo import intents
from lockgate.planner.reading.mysql.reader import read
from lockgate.planner.sql.dialect import MYSQL as MYSQL_DIALECT
from tests.executors.mysql.table.cases import restore

MYSQL = r"""CREATE TABLE `t``1 $.ü` (
  `id` int(10) unsigned zerofill NOT NULL AUTO_INCREMENT,
  `e` enum('a','b,c','d''e','(f)','g\\h') DEFAULT 'd''e' COMMENT 'NOT NULL, a\ncom"ment\\ (x) `y`',
  `n` int DEFAULT ((1 + 2)),
  `g` int GENERATED ALWAYS AS ((`n` + 1)) STORED,
  `ts` timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  `a, b)` int DEFAULT NULL /*!80023 INVISIBLE */,
  `p` point NOT NULL /*!80003 SRID 4326 */,
  `up` int DEFAULT NULL COMMENT ' ON UPDATE CASCADE',
  PRIMARY KEY (`id`,`a, b)` DESC),
  UNIQUE KEY `u` (`e`(3)),
  KEY `fn` (((`n` + 1)),(lower(`e`)) DESC) COMMENT 'c''x' /*!80000 INVISIBLE */,
  FULLTEXT KEY `ft` (`e`) /*!50100 WITH PARSER `ngram` */ ,
  CONSTRAINT `fs` FOREIGN KEY (`up`) REFERENCES `t``1 $.ü` (`id`) ON DELETE SET NULL,
  CONSTRAINT `ck` CHECK ((`e` <> _utf8mb4') , (')) /*!80016 NOT ENFORCED */
) ENGINE=InnoDB AUTO_INCREMENT=77 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='a=5'
/*!50100 PARTITION BY RANGE (`id`)
(PARTITION p0 VALUES LESS THAN (10) COMMENT = 'x, y' ENGINE = InnoDB,
 PARTITION `p``1` VALUES LESS THAN MAXVALUE ENGINE = InnoDB) */"""

MARIADB = """CREATE TABLE `t` (
  `a` int(11) NOT NULL,
  `j` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL CHECK (json_valid(`j`)),
  `w` varchar(40) GENERATED ALWAYS AS (concat(`a`,'`x`, y')) VIRTUAL,
  PRIMARY KEY (`a`),
  KEY `k` (`w`(10)) IGNORED
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci"""


def table(*lines: str, options: str = "ENGINE=InnoDB") -> str:
    """The text of a table with these lines."""
    return "CREATE TABLE `t` (\n  " + ",\n  ".join(lines) + f"\n) {options}"


A, B = "`a` int DEFAULT NULL", "`b` int DEFAULT NULL"


def test_the_readers_tell_words_from_strings_and_names() -> None:
    assert tuple(read_table(MYSQL).columns) == ("id", "e", "n", "g", "ts", "a, b)", "p", "up")
    assert sorted(read_table(MYSQL).columns.keys() - read_table(MYSQL).own_columns) == ["g"]
    assert read_table(MYSQL).updating_columns == ("ts",)
    assert read_table(MYSQL).primary_key == ("id", "a, b)")
    assert read_table(table(A)).primary_key == ()
    assert read_table(MYSQL).foreign_keys["fs"].startswith("CONSTRAINT `fs` FOREIGN KEY (`up`)")
    assert read_table(MARIADB).writable("a") == "int(11) NOT NULL"


def test_the_counter_is_that_of_the_options() -> None:
    assert read_table(MYSQL).auto_increment == 77
    assert read_table(MYSQL.replace(" AUTO_INCREMENT=77", "")).auto_increment == 1
    assert read_table(MARIADB).auto_increment == 0


@pytest.mark.parametrize("text", [MYSQL, MARIADB])
def test_a_table_that_is_as_it_was_needs_nothing(text: str) -> None:
    assert is_same_table(text, text)
    assert restore("`t`", text, text) == ()
    assert restore("`t`", text, text, {"n": "up", "up": "n"}) == ()


def test_the_counter_and_the_order_of_full_text_keys_do_not_count() -> None:
    keys = "FULLTEXT KEY `x` (`a`)", "FULLTEXT KEY `y` (`b`)"
    one = table(A, B, *keys, options="ENGINE=InnoDB AUTO_INCREMENT=3")
    other = table(A, B, *reversed(keys))
    assert is_same_table(one, other)
    assert restore("t", one, other) == ()


def test_the_order_of_other_keys_counts() -> None:
    keys = "KEY `x` (`a`)", "KEY `y` (`b`)"
    one, other = table(A, B, *keys), table(A, B, *reversed(keys))
    assert not is_same_table(one, other)
    assert restore("t", one, other) == (
        "ALTER TABLE t DROP KEY `y`, ADD KEY `lockgate_0` (`b`)",
        "ALTER TABLE t RENAME INDEX `lockgate_0` TO `y`",
    )


@pytest.mark.parametrize(
    "other",
    [
        table(B, A),
        table(A, B, "KEY `k` (`a`)"),
        table(A, "`b` int NOT NULL"),
        table(A, B, options="ENGINE=InnoDB COMMENT='x'"),
        table(A, B, options="ENGINE=InnoDB\n PARTITION BY HASH (`a`)"),
        table(A, B, options="ENGINE=InnoDB WITH SYSTEM VERSIONING"),
        table(A, B).replace("`t`", "`u`"),
        table(A, B, "PERIOD FOR `p` (`a`, `b`)"),
    ],
)
def test_all_else_counts(other: str) -> None:
    assert not is_same_table(table(A, B), other)


def test_a_column_is_renamed_and_never_dropped() -> None:
    before, present = table(A, B), table("`c` int DEFAULT NULL", B)
    assert restore("`d`.`t`", before, present, {"C": "A"}) == (
        "ALTER TABLE `d`.`t` RENAME COLUMN `c` TO `a`",
    )


def test_a_rename_that_did_not_happen_is_no_rename() -> None:
    dropped = ("ALTER TABLE t DROP COLUMN `b`",)
    assert restore("t", table(A), table(A, B), {"c": "a"}) == dropped
    assert restore("t", table(A), table(A, B), {"b": "c", "a": "d"}) == dropped


def test_a_new_column_of_the_old_name_makes_room() -> None:
    present = table("`c` int DEFAULT NULL", "`a` text")
    assert restore("t", table(A), present, {"c": "a"}) == (
        "ALTER TABLE t DROP COLUMN `a`, RENAME COLUMN `c` TO `a`",
    )


def test_an_expression_is_renamed_in_by_mariadb_alone() -> None:
    before = table(A, "`g` int GENERATED ALWAYS AS (`a` + 1) VIRTUAL")
    present = before.replace("`a`", "`c`")
    first, second = restore("t", before, present, {"c": "a"})
    assert first == "ALTER TABLE t /*M!RENAME COLUMN `c` TO `a` */"
    assert "RENAME COLUMN /*M!`a` *//*!80000 `c` */ TO `a`" in second
    assert "DROP COLUMN `g`" in second


def test_only_columns_out_of_their_place_are_moved() -> None:
    c = "`c` int DEFAULT NULL"
    assert restore("t", table(A, B, c), table(c, A, B)) == (
        "ALTER TABLE t CHANGE COLUMN `c` `c` int DEFAULT NULL AFTER `b`",
    )


def test_a_foreign_key_of_the_same_name_is_added_by_its_own_statement() -> None:
    fk = "CONSTRAINT `f` FOREIGN KEY (`a`) REFERENCES `p` (`id`)"
    assert restore("t", table(A, fk), table(A, f"{fk} ON DELETE CASCADE")) == (
        "ALTER TABLE t DROP FOREIGN KEY `f`",
        f"ALTER TABLE t ADD {fk}",
    )


def test_an_option_that_was_not_shown_gets_its_default() -> None:
    present = table(A, options="ENGINE=InnoDB ROW_FORMAT=COMPACT `page_compressed`=1 COMMENT='x'")
    assert restore("t", table(A), present) == (
        "ALTER TABLE t ROW_FORMAT=DEFAULT, `page_compressed`=DEFAULT, COMMENT=''",
    )


def test_partitioning_ends_the_statement() -> None:
    partitioned = table(A, options="ENGINE=InnoDB\n PARTITION BY HASH (`a`)\nPARTITIONS 3")
    assert restore("t", table(A), partitioned) == ("ALTER TABLE t REMOVE PARTITIONING",)
    assert restore("t", partitioned, table(A, B)) == (
        "ALTER TABLE t DROP COLUMN `b` PARTITION BY HASH (`a`)\nPARTITIONS 3",
    )


def test_a_column_to_be_filled_can_be_added_to_rows() -> None:
    assert read_table(MYSQL).fillable("id") == "`id` int(10) unsigned zerofill NOT NULL"
    assert read_table(MYSQL).fillable("p") == "`p` point /*!80003 SRID 4326 */"
    assert read_table(MYSQL).fillable("e").endswith("COMMENT 'NOT NULL, a\\ncom\"ment\\\\ (x) `y`'")
    assert read_table(MARIADB).fillable("j").endswith(" NOT NULL")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("CREATE VIEW `v` AS select 1", "No CREATE TABLE"),
        ("CREATE TABLE `t` (\n  `a` int", "has no end"),
        ("CREATE TABLE `t` (\n  `a` int DEFAULT 'x\n)", "A quote has no end"),
        (table(A, "PERIOD FOR `p` (`a`, `b`)"), "PERIOD FOR"),
        (table(A, "CONSTRAINT `f` FOREIGN KEY (`a``b`, c) REFERENCES `p` (`id`)"), "FOREIGN KEY"),
        (table(A, options="ENGINE=InnoDB WITH SYSTEM VERSIONING"), "WITH SYSTEM VERSIONING"),
        (table(A, options="ENGINE=InnoDB DATA DIRECTORY='x'"), "DATA DIRECTORY"),
    ],
)
def test_what_cannot_be_understood_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        restore("t", table(A), text)


def test_a_table_of_many_columns_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []

    def counting(text: str) -> Table:
        texts.append(text)
        return read_table(text)

    monkeypatch.setattr(intents, "read_table", counting)
    wide = table(*(f"`c{number}` int DEFAULT NULL" for number in range(60)), "PRIMARY KEY (`c0`)")
    reading = read("alter table t modify c7 bigint", MYSQL_DIALECT)
    (copy,) = intents.plan_copies(
        lambda sql, parameters: [("t", wide)],
        "d",
        reading,
        "1_1_1",
        intents.Reached(columns=("c7",)),
    )
    assert (copy.key, copy.columns) == (("c0",), ("c7",))
    assert texts == [wide]
