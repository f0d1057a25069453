"""What libpq takes from elsewhere where a URL does not say it: PGUSER and others, and a service.

Asks no process environment: the caller hands it in.
https://www.postgresql.org/docs/18/libpq-envars.html
https://www.postgresql.org/docs/18/libpq-pgservice.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

VARIABLES = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE",
             "password": "PGPASSWORD"}  # fmt: skip
FILE = "pg_service.conf"


def read_defaults(service: str | None, variables: Mapping[str, str]) -> dict[str, str]:
    """The parts of an address by libpq's names: those of the service, and else of the variables.

    Raises:
        ValueError: there is no such service.
    """
    found = {key: variables[name] for key, name in VARIABLES.items() if variables.get(name)}
    service = service or variables.get("PGSERVICE")
    return found | read_service(service, variables) if service else found


def read_service(name: str, variables: Mapping[str, str]) -> dict[str, str]:
    """What a service's file says of it.

    Raises:
        ValueError: no file names it.
    """
    from configparser import ConfigParser, Error  # costs every command its start

    for path in _files(variables):
        parser = ConfigParser(interpolation=None, delimiters=("=",), strict=False)
        try:
            parser.read_string(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError):
            continue
        except Error:
            raise ValueError(f"{path} cannot be read as a file of services") from None
        if parser.has_section(name):
            return dict(parser.items(name))
    raise ValueError(
        f"no file of services has [{name}]: libpq looks for ~/.{FILE}, or PGSERVICEFILE"
    )


def _files(variables: Mapping[str, str]) -> Iterator[Path]:
    if named := variables.get("PGSERVICEFILE"):
        yield Path(named)
    elif home := variables.get("HOME"):
        yield Path(home) / f".{FILE}"
    if folder := variables.get("PGSYSCONFDIR"):
        yield Path(folder) / FILE
