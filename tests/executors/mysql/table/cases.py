"""Tables of MySQL and MariaDB that have something of everything, and changes of them.

It must not hold what only one of the two servers understands.
"""

from collections.abc import Mapping

from lockgate.executors.mysql.table.definition import read_table
from lockgate.executors.mysql.table.restoration import NO_RENAMES, restore_table

NAME = "`t``1 $.ü`"
BARE = "t`1 $.ü"
PARENT = "create table parent (id int unsigned primary key)"
RICH = rf"""create table {NAME} (
    id int unsigned zerofill not null auto_increment,
    e enum('a','b,c','d''e','(f)','g\\h','ü','
') default 'd''e' comment 'it''s, a
com"ment\\ (x) `y`',
    st set('x','y'),
    v varchar(20) character set latin1 collate latin1_bin not null default 'a\\b''c,
)',
    n int default (1+2),
    g int generated always as (n+1) stored,
    w varchar(40) as (concat(v,'`x`, y')) virtual,
    ts timestamp null default current_timestamp on update current_timestamp,
    dt datetime(3) default current_timestamp(3) on update current_timestamp(3),
    y year,
    b bit(5) default b'101',
    z decimal(10,2) unsigned zerofill default 3.5,
    j json,
    p point not null,
    tx text,
    bl blob default ('x'),
    ab int unsigned,
    `a, b)` int invisible,
    `sp ace.$ü` int,
    `q``r` int default 4,
    f double not null default 1e10,
    primary key (id),
    unique key `u``k` (v(3)),
    fulltext key ft (tx),
    spatial key sp (p),
    key k (n, y desc) comment 'c''x',
    key kb (bl(10)),
    constraint `c``k` check (n > 0 and v <> ') , ('),
    check (y > 1900),
    constraint fs foreign key (ab) references parent (id) on delete set null on update cascade
) comment='t''c
\\;' row_format=dynamic stats_persistent=0 stats_auto_recalc=1 stats_sample_pages=20
default charset=utf8mb4 auto_increment=77"""
RICH_ROW = (
    f"insert into {NAME} (e, st, v, n, y, b, z, j, p, tx, ab, f) values ('b,c', 'x,y', 'v{{0}}äa', "
    """{0}, 2001, b'11', 2.5, '{{{{"a": {0}}}}}', point(1, 2), 'text {0}', 7, {0}.5)"""
)
RICH_SQL = (PARENT, "insert into parent values (7)", RICH, *(
    RICH_ROW.format(number).replace("{{", "{").replace("}}", "}") for number in (1, 2, 3)
))  # fmt: skip

RICH_ALTERS = {
    "new columns": (
        "add xx int first",
        "add xx int not null default 5 after e, add yy varchar(3) after xx",
    ),
    "columns": (
        "modify e enum('a','b,c','z') default 'z'",
        "modify n bigint default 7",
        "modify n int",
        "alter n set default 5",
        "alter n drop default",
        "alter v set default 'q'",
        "modify v varchar(30) character set latin1 collate latin1_bin not null first",
    ),
    "generated columns": (
        "drop column g",
        "modify g int as (n+2) stored",
        "drop g, add g int as (n+3) virtual",
        "modify w varchar(50) as (concat(v,'z')) virtual",
        "drop w",
        "drop g, add g int as (n+1) stored after w",
    ),
    "types": (
        "modify z decimal(10,2) unsigned zerofill first, modify y year after e, "
        "modify b bit(5) default b'101' after id",
        "modify ts timestamp null",
        "modify dt datetime(3)",
        "modify y int",
        "modify b bit(8)",
        "modify z decimal(12,2)",
        "modify j longtext",
        "modify tx mediumtext not null",
        "modify f double default 3 comment 'x'",
        "modify `a, b)` int",
        "modify `sp ace.$ü` int invisible",
    ),
    "keys": (
        "modify id bigint unsigned not null auto_increment after f",
        "modify id int unsigned not null",
        "drop primary key, modify id int",
        "drop primary key, add primary key (id, n)",
        "drop primary key, add primary key (id, y desc), modify y year not null",
        "drop key `u``k`",
        "drop key `u``k`, add unique key `u``k` (v(4))",
        "drop key ft",
        "drop key ft, add fulltext key f1 (tx), add column o int",
        "drop key sp",
        "drop key k",
        "drop key k, add key k (n, y desc) comment 'other'",
        "rename index k to kk",
    ),
    "constraints": (
        "drop foreign key fs",
        "drop foreign key fs, drop key fs",
        "drop foreign key fs, add constraint fs2 foreign key (ab) references parent (id)",
        "drop key fs, add key c2 (ab, n)",
        "drop constraint `c``k`",
        "drop constraint `c``k`, add constraint `c``k` check (n > -5)",
        "add check (n < 100), add constraint more check (f > 0)",
    ),
    "options": (
        "comment 'other'",
        "comment ''",
        "row_format=compact",
        "row_format=compressed key_block_size=4",
        "stats_persistent=default stats_auto_recalc=default stats_sample_pages=default",
        "max_rows=5 min_rows=2 avg_row_length=9 checksum=1 delay_key_write=1 pack_keys=1",
        "default charset latin1",
        "default collate utf8mb4_bin",
        "convert to character set utf8mb4 collate utf8mb4_bin",
        "auto_increment=500",
        "engine=innodb",
    ),
    "additions": (
        "add xx int as (g+1), add yy int as (xx+1) stored, add key (xx)",
        "add xx int default (n+1), add check (xx > n)",
        "add column k2 int unique, add fulltext key ft2 (v), modify tx mediumtext",
    ),
}
RICH_RENAMES = (
    ("change e ee enum('b,c') comment 'x'", {"ee": "e"}),
    ("rename column ab to `q r``s`, drop foreign key fs", {"q r`s": "ab"}),
    ("rename column id to i2", {"i2": "id"}),
    ("rename column ts to TS", {}),
    ("rename column `q``r` to `a b`, add `q``r` int", {"a b": "q`r"}),
    ("rename column `q``r` to `a, b)`, rename column `a, b)` to `q``r`",
     {"a, b)": "q`r", "q`r": "a, b)"}),
    ("rename column ab to ab2", {"AB2": "AB"}),
    ("change dt td datetime(3) first, add dt int", {"td": "dt"}),
    ("add zz int", {"e": "v", "zz": "nothing"}),
)  # fmt: skip

PLAIN = (
    "create table t (a int not null, c int not null, s varchar(10) not null, m varchar(5), "
    "u int, primary key (a, c, s)) "
)
ROWS = "insert into t values (1, 1, 'x', 'q', 1), (2, 5, 'y', null, 2), (3, 3, 'z', 'w', null)"
PARTITIONS = (
    "",
    "partition by hash(a) partitions 3",
    "partition by linear key algorithm=1 (a, c) partitions 2",
    "partition by range(a) subpartition by hash(c) subpartitions 2 (partition p0 values less than"
    " (10) comment='x, y', partition `p``1` values less than maxvalue)",
    "partition by list(a) (partition p0 values in (1, 2, null), partition p1 values in (3))",
    "partition by range columns(a, s) (partition p0 values less than (2, 'a,''b)'), "
    "partition p1 values less than (maxvalue, maxvalue))",
    "partition by range(a) subpartition by key(c) ("
    "partition p0 values less than (3) (subpartition s0 comment 'q', subpartition s1), "
    "partition p2 values less than (20) (subpartition s2, subpartition s3))",
    "partition by hash(a+c) (partition x, partition y)",
    "partition by list columns(s) ("
    "partition pa values in ('x', 'y'), partition pb values in ('z'))",
)
PARTITION_CHANGES = (
    ("hash(a) partitions 3", "add partition partitions 2"),
    ("hash(a) partitions 3", "coalesce partition 1"),
    ("hash(a) partitions 3", "add z int first, drop primary key, add primary key (a, z)"),
    ("hash(a) partitions 3", "remove partitioning"),
    ("key() partitions 3", "modify u bigint partition by hash(c) partitions 2"),
    ("range(a) (partition p0 values less than (10))",
     "add partition (partition p9 values less than (30))"),
    ("range(a) (partition p0 values less than (10))",
     "reorganize partition p0 into (partition n0 values less than (2), "
     "partition n1 values less than (10))"),
    ("list(a) (partition p0 values in (1, 2, 3))",
     "add partition (partition p9 values in (77))"),
)  # fmt: skip
CODED = PLAIN + (
    "default charset utf8mb4 collate utf8mb4_bin comment 'old' stats_persistent=0 min_rows=3 "
    "row_format=compressed key_block_size=4"
)
CODED_ALTERS = (
    "default charset latin1",
    "convert to character set latin1",
    "charset latin1, add key (m)",
    "convert to character set utf8mb4 collate utf8mb4_bin, modify m varchar(5) charset latin1",
    "alter m set default 'x'",
    "alter m drop default",
    "comment '', min_rows=0, row_format=default key_block_size=0 stats_persistent=default",
    "drop primary key, add id int auto_increment primary key first",
    "modify s varchar(10) not null first, modify c int not null after s",
    "drop primary key, add unique key (a, c, s)",
)

CLAUSES = (
    *(
        "add x int",
        "add x int first",
        "add x varchar(9) not null default 'q' after s",
        "add x json",
    ),
    *("add x int as (a+1) stored", "add x int as (c*2) unique", "add x int unique after a"),
    *(
        "modify u bigint",
        "modify u int comment 'u' first",
        "modify u int default 4",
        "drop column g",
    ),
    *("modify m varchar(9) first", "modify m varchar(5) after u", "modify m text", "drop column h"),
    *("modify s varchar(12) not null", "modify s varchar(10) charset latin1 not null after m"),
    *("modify id bigint not null auto_increment", "modify id int not null auto_increment first"),
    *("rename column u to uu", "rename column m to mm", "rename column id to a2"),
    *("rename column a to uu", "rename column c to id2", "rename column s to ss"),
    *("rename column m to n, rename column n to m", "change n nn bigint after a"),
    *("drop primary key, add primary key (a)", "add key (m)", "add unique key q (id, m)"),
    *("drop key k", "drop key k, add key k (u desc)", "add fulltext key f2 (s)", "drop key ft"),
    *("drop key uq", "drop key uq, add unique key uq (id, n) comment 'z'", "rename key k to kk"),
    *("drop foreign key fp", "drop foreign key fs", "drop foreign key fp, drop key fp"),
    *("add constraint f3 foreign key (n) references parent (id)", "drop constraint ck"),
    *("add constraint c2 check (a < 1000)", "comment 'new'", "row_format=compact", "checksum=1"),
    *("default charset latin1", "default collate utf8mb4_bin", "stats_persistent=1"),
    *("alter u drop default", "alter m set default 'a'", "auto_increment=99"),
)
CHANGING = (
    "create table t (id int not null auto_increment, a int not null, c int, s varchar(10) not null,"
    " m varchar(5) default 'm', n int unsigned, u int, up int unsigned, g int as (a+c), "
    "h int as (c+1) stored, primary key (id), unique key uq (id, a), key k (u, m), "
    "fulltext key ft (s), constraint ck check (u > 0), constraint fp foreign key (up) references "
    "parent (id), constraint fs foreign key (a) references own (id) on delete cascade)"
)
CHANGING_SQL = (
    PARENT,
    "create table own (id int primary key)",
    CHANGING,
    "insert into parent values (7)",
    "insert into own values (1), (2)",
    "insert into t (a, c, s, n, u, up) values (1, 2, 'x', 7, 5, 7), (2, null, 'y', null, 6, null)",
)


def restore(
    name: str, before: str, present: str, renamed: Mapping[str, str] = NO_RENAMES
) -> tuple[str, ...]:
    """`restore_table` by two SHOW CREATE TABLE texts."""
    return restore_table(name, read_table(before), read_table(present), renamed)
