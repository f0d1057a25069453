"""TLS of the connections to MySQL and MariaDB: how much of it, by the options of an address.

Knows no session. PyMySQL, given nothing, encrypts where the server offers it, and trusts any.
https://dev.mysql.com/doc/refman/9.7/en/using-encrypted-connections.html
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockgate.executors.mysql.proof import unverified
from lockgate.planner.errors import UsageError

TLS = "tls"
LEVELS = ("off", "required", "verify-ca", "verify-full")
SWITCHES = {
    "ssl_disabled": "off",
    "ssl_verify_cert": "verify-ca",
    "ssl_verify_identity": "verify-full",
}
"""Options that are true or false, and what each asks for; the last that is true counts."""

FILES = ("ssl_ca", "ssl_cert", "ssl_key")
OPTIONS = frozenset({TLS, *SWITCHES, *FILES})
OURS = {"charset": "utf8mb4"}
"""What each connection has anyway, as URLs of other libraries say it."""
STATES = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def read_level(options: Mapping[str, str]) -> str:
    """How much TLS the options of an address ask for; empty: they do not say.

    Raises:
        UsageError: an option is not known, has no value that is known, or says it again.
    """
    if unknown := {name for name in options if options[name] != OURS.get(name)} - OPTIONS:
        raise UsageError(
            f"The connection has the option {min(unknown)}, which is not known.",
            do=f"The options are {', '.join(sorted(OPTIONS))}.",
        )
    asked = [SWITCHES[name] for name in SWITCHES if _switch(name, options.get(name, "false"))]
    if TLS not in options:
        return asked[-1] if asked else "required" if options.keys() & set(FILES) else ""
    if options[TLS] not in LEVELS:
        raise UsageError(
            f"The connection's option {TLS} is not known.", do=f"It is one of {', '.join(LEVELS)}."
        )
    if again := sorted(options.keys() & SWITCHES.keys()):
        raise UsageError(
            f"The connection's options {TLS} and {again[0]} both say how it is encrypted.",
            do=f"Keep `{TLS}`, which says all of it.",
        )
    return options[TLS]


def driver_options(options: Mapping[str, str]) -> dict[str, Any]:
    """What PyMySQL is given for these options of an address.

    Raises:
        UsageError: as `read_level`, or a file cannot be read, which the driver would not name.
        OSError: a file holds no certificate or no key.
    """
    level = read_level(options)
    _refuse_missing_files(options)
    if level == "off":
        return {"ssl_disabled": True}
    return {"ssl": _context(level, options)} if level else {}


def _context(level: str, options: Mapping[str, str]) -> ssl.SSLContext:
    """A context, with which PyMySQL refuses a server that offers no TLS."""
    if level == "required":
        return _with_own(unverified(), options)
    context = ssl.create_default_context(cafile=options.get("ssl_ca"))
    # The certificates that MySQL makes itself do not pass it.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = level == "verify-full"
    return _with_own(context, options)


def _with_own(context: ssl.SSLContext, options: Mapping[str, str]) -> ssl.SSLContext:
    if certificate := options.get("ssl_cert"):
        context.load_cert_chain(certificate, keyfile=options.get("ssl_key"))
    return context


def _refuse_missing_files(options: Mapping[str, str]) -> None:
    for name in sorted(options.keys() & set(FILES)):
        try:
            Path(options[name]).open("rb").close()
        except OSError as error:
            raise UsageError(
                f"The connection's option {name} names {options[name]}, which cannot be read: "
                f"{error.strerror}.",
                do="Correct the path, or make the file readable.",
            ) from None


def _switch(name: str, text: str) -> bool:
    try:
        return STATES[text.lower()]
    except KeyError:
        raise UsageError(
            f"The connection's option {name} is neither true nor false.",
            do=f"Write {name}=true or {name}=false.",
        ) from None
