"""A dump of mysqldump or mariadb-dump is a first migration as it comes, all of it or nothing."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import opened
from tests.commands.running import OWN_TABLES, Project, refused, succeed
from tests.commands.test_everyday_family import SETUP, Shown
from tests.executors.rows import execute
from tests.faults.difference import show_difference
from tests.servers import fetch

WRITTEN = r"""
/*M!999999\- enable the sandbox mode */
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET NAMES utf8mb4 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
DROP TABLE IF EXISTS `users`;
CREATE TABLE `users` (`id` int NOT NULL AUTO_INCREMENT, `boss` int DEFAULT NULL,
  PRIMARY KEY (`id`), KEY `b` (`boss`),
  CONSTRAINT `f` FOREIGN KEY (`boss`) REFERENCES `bosses` (`id`) ON DELETE CASCADE);
LOCK TABLES `users` WRITE;
/*!40000 ALTER TABLE `users` DISABLE KEYS */;
INSERT INTO `users` VALUES (0,1),(7,1);
/*!40000 ALTER TABLE `users` ENABLE KEYS */;
UNLOCK TABLES;
DROP TABLE IF EXISTS `bosses`;
CREATE TABLE `bosses` (`id` int NOT NULL, PRIMARY KEY (`id`));
LOCK TABLES `bosses` WRITE, `users` READ;
INSERT INTO `bosses` VALUES (1);
UNLOCK TABLES;
DELIMITER ;;
/*!50003 CREATE*/ /*!50003 TRIGGER `t` BEFORE INSERT ON `bosses` FOR EACH ROW SET @x = 1 */;;
DELIMITER ;
/*!50001 CREATE VIEW `v` AS SELECT 1 AS `id` */;
/*!50001 DROP VIEW IF EXISTS `v`*/;
/*!50001 CREATE VIEW `v` AS SELECT `id` FROM `users` */;
/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
"""


CLIENTS = {
    "mysql": ("mysql-unstable", "mysqldump"),
    "mariadb": (f"mariadb-cluster-{fetch.machine_suite()}", "mariadb-dump"),
}
FRAMES = {"mysql": b"SET @@GLOBAL.GTID_PURGED=", "mariadb": b"enable the sandbox mode"}
HARD = (
    "create table files (id int primary key, body blob, note varchar(40))",
    "insert into files values (1, x'00ff27c328', 'O\\'Hara; -- \\n é'), (2, null, '')",
    "create table summed (a int, b int as (a + 1) stored, c int as (a * 2) virtual)",
    "insert into summed (a) values (1), (2)",
    "create view files_of as select id, note from files where id > 0",
    "create trigger files_in before insert on files for each row set new.note = trim(new.note)",
    "create event tidy on schedule every 1 day disable do delete from files where id < 0",
)
"""What dumps write in ways of their own."""


@pytest.fixture
def project(tmp_path: Path, family_server: Any, family_database: str) -> Iterator[Project]:
    """A project on an empty database of MySQL and MariaDB."""
    yield from opened(Project(tmp_path, family_server.url(family_database)))


def test_a_dump_is_taken_as_it_comes_or_leaves_nothing(
    project: Project, family_server: Any
) -> None:
    project.write("001_dump.sql", f"{WRITTEN}\nCREATE TABLE `users` (`id` int);")
    refused(project.migrate("up"), 9, "as it was before")
    project.write("001_dump.sql", WRITTEN)
    assert "ATOMIC BY COMPENSATION" in succeed(project.migrate("plan")).out
    succeed(project.migrate("apply", "plan.json"))
    with family_server.connect(project.database) as connection, connection.cursor() as cursor:
        cursor.execute("select u.id, b.id from users u join bosses b on b.id = u.boss order by 1")
        assert cursor.fetchall() == ((0, 1), (7, 1))
        cursor.execute("select count(*) from v")
        assert cursor.fetchall() == ((2,),)


def test_what_the_client_dumps_is_its_source(
    project: Project, family_server: Any, family_database: str
) -> None:
    """With `--hex-blob`, as the refusal of raw bytes says, and else as it comes."""
    source = family_server.new_database()
    try:
        statements = filter(str.strip, SETUP.split("-- setup\n")[1].split(";\n"))
        execute(family_server, source, *statements, *HARD)
        raw, dump = dumped(family_server, source), dumped(family_server, source, "--hex-blob")
        (project.migrations / "001_dump.sql").write_bytes(b"-- migrate:up\n" + raw)
        refused(project.migrate("plan"), 64, "--hex-blob")
        (project.migrations / "001_dump.sql").write_bytes(b"-- migrate:up\n" + dump)
        assert b"LOCK TABLES" in dump
        assert FRAMES[family_server.engine] in dump
        assert "ATOMIC BY COMPENSATION" in succeed(project.migrate("plan")).out
        succeed(project.migrate("apply", "plan.json"))
        execute(family_server, family_database, f"drop table {', '.join(OWN_TABLES)}")
        found, wanted = (
            Shown(family_server, name).look().replace(name, "shop")
            for name in (family_database, source)
        )
        assert show_difference(wanted, found) == ""
    finally:
        family_server.drop_database(source)


def dumped(server: Any, database: str, *options: str) -> bytes:
    """What the client of a server's packages prints."""
    package, name = CLIENTS[server.engine]
    unpacked = fetch.cache_directory() / package
    program = shutil.which(name)
    if (unpacked / "usr/bin" / name).exists():
        command = fetch.through_loader(unpacked, f"bin/{name}")
    elif program:
        command = [program]
    else:
        pytest.skip(f"the server's packages have no {name}")
    where = ["--protocol=TCP", f"--host={server.host}", f"--port={server.port}"]
    return subprocess.run(
        [*command, "--no-defaults", *where, f"--user={server.user}", "--routines", "--events",
         *options, database],
        capture_output=True, check=True,
    ).stdout  # fmt: skip


def test_a_table_that_others_use_is_not_locked(project: Project) -> None:
    project.write("001_locks.sql", "lock tables users write;\nunlock tables;")
    refused(project.migrate("plan"), 64, "LOCK TABLES", "select … for update", "a dump")
