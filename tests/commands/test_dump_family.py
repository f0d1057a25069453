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


def test_what_mysqldump_writes_is_its_source(
    tmp_path: Path, mysql_project: Project, mysql_server: Any
) -> None:
    source = mysql_server.new_database()
    try:
        execute(mysql_server, source, *filter(str.strip, SETUP.split("-- setup\n")[1].split(";\n")))
        mysql_project.write("001_dump.sql", dumped(mysql_server, source))
        assert "ATOMIC BY COMPENSATION" in succeed(mysql_project.migrate("plan")).out
        succeed(mysql_project.migrate("apply", "plan.json"))
        execute(mysql_server, mysql_project.database, f"drop table {', '.join(OWN_TABLES)}")
        found, wanted = (
            Shown(mysql_server, name).look().replace(name, "shop")
            for name in (mysql_project.database, source)
        )
        assert show_difference(wanted, found) == ""
    finally:
        mysql_server.drop_database(source)


def dumped(server: Any, database: str) -> str:
    """What the mysqldump of a server's packages prints."""
    unpacked = fetch.cache_directory() / "mysql-unstable"
    program = shutil.which("mysqldump")
    if (unpacked / "usr/bin/mysqldump").exists():
        command = fetch.through_loader(unpacked, "bin/mysqldump")
    elif program:
        command = [program]
    else:
        pytest.skip("the server's packages have no mysqldump")
    where = ["--protocol=TCP", f"--host={server.host}", f"--port={server.port}"]
    options = ["--routines", "--events", "--hex-blob", "--set-gtid-purged=OFF"]
    return subprocess.run(
        [*command, "--no-defaults", *where, f"--user={server.user}", *options, database],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


def test_a_table_that_others_use_is_not_locked(project: Project) -> None:
    project.write("001_locks.sql", "lock tables users write;\nunlock tables;")
    refused(project.migrate("plan"), 64, "LOCK TABLES", "select … for update", "a dump")
