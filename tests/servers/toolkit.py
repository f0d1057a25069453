"""pt-online-schema-change of Debian's percona-toolkit, unpacked: a folder for PATH that has it.

It must not change the machine: Perl's modules and the client's library are those of the packages.
"""

import shutil
from pathlib import Path

from tests.servers import fetch
from tests.servers.process import ServerUnavailable

PACKAGES = ("percona-toolkit", "libdbd-mysql-perl", "libdbi-perl", "libterm-readkey-perl",
            "libmariadb3", "mariadb-common", "mysql-common")  # fmt: skip
PROGRAM = "pt-online-schema-change"
RUN = """#!/bin/sh
export PERL5LIB={modules} LD_LIBRARY_PATH={libraries}
MARIADB_PLUGIN_DIR={libraries}/libmariadb3/plugin exec {perl} {program} "$@"
"""


def install(folder: Path) -> Path:
    """A folder with the program, below the given one.

    Raises:
        ServerUnavailable: it cannot be fetched, or there is no Perl here.
    """
    root, perl = fetch.unpacked("percona-toolkit", PACKAGES, fetch.machine_suite()), _perl()
    libraries = next(root.glob("usr/lib/*/libmariadb.so.3")).parent
    modules = [root / "usr/share/perl5", *root.glob("usr/lib/*/perl5/*")]
    made = folder / "bin" / PROGRAM
    made.parent.mkdir(exist_ok=True)
    made.write_text(
        RUN.format(
            modules=":".join(map(str, modules)), libraries=libraries, perl=perl,
            program=root / "usr/bin" / PROGRAM,
        )
    )  # fmt: skip
    made.chmod(0o755)
    return made.parent


def _perl() -> str:
    if found := shutil.which("perl"):
        return found
    raise ServerUnavailable("no perl here")
