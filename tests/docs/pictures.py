"""The pictures of the README, from what lockgate really prints: python -m tests.docs.pictures.

One plan on a private PostgreSQL with rows: `docs/pictures/terminal.svg` is what a terminal shows of
it, `docs/pictures/review.png` the first screen of its page.
"""

import os
import pty
import re
import subprocess
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import psycopg

from tests.browser import open_browser
from tests.commands.client import ROOT
from tests.commands.running import COMMAND
from tests.servers.postgres import PostgresServer

FOLDER = ROOT / "docs/pictures"
COLUMNS = 100
CELL, LINE, EDGE = 8.4, 19, 16
"""Pixels: the width of a character, the height of a line, and around all of them."""
SIZE = {"width": 1040, "height": 900}
SGR = re.compile(r"\x1b\[([\d;]*)m")
OTHER = re.compile(r"\x1b\[[0-?]*[ -/]*[@-ln-~]")
COLOURS = {"31": "#ff8f86", "32": "#7fd29b", "33": "#f0c069", "36": "#7cc7d8", "2": "#9aa2ad"}
ENVIRONMENT = "project: shop\nengine: postgresql\ndatabase: $PRODUCTION_DATABASE_URL\n"
BEFORE = """\
-- migrate:up
create table customers (id bigint primary key, email text not null, legacy_name text);
create table orders (
    id bigint primary key, customer_id bigint references customers, total numeric(12, 4) not null
);
-- migrate:down
"""
ROWS = """\
insert into customers select n, 'u' || n || '@example.com' from generate_series(1, 50000) n;
insert into orders select n, 1 + n % 50000, n / 7.0 from generate_series(1, 800000) n;
"""
FILES = {
    "002_create_coupons.sql": """\
-- migrate:up
create table coupons (
    code text primary key,
    percent int not null check (percent between 1 and 100)
);
-- migrate:down
drop table coupons;
""",
    "003_order_total.sql": """\
-- migrate:up
alter table orders alter column total type numeric(12, 2);
-- migrate:down
alter table orders alter column total type numeric(12, 4);
""",
    "004_orders_by_customer.sql": """\
-- migrate:up transaction:false
create index concurrently orders_by_customer on orders (customer_id);
-- migrate:down transaction:false
drop index concurrently orders_by_customer;
""",
}


def main() -> None:
    """Writes both pictures anew."""
    FOLDER.mkdir(exist_ok=True)
    with PostgresServer() as server, tempfile.TemporaryDirectory() as folder:
        url = server.url(server.new_database())
        project = Path(folder, "shop")
        environ = prepare(project, url)
        shown = on_terminal(project, environ, "plan", "-e", "production")
        page = project / "plan.html"
        page.write_bytes(
            run(project, environ, "show", "plan.json", "--format", "html").encode("ascii")
        )
        svg = draw_terminal(f"$ migrate plan -e production\n{shown}")
        (FOLDER / "terminal.svg").write_text(svg, encoding="utf-8")
        photograph(page, FOLDER / "review.png")


def prepare(project: Path, url: str) -> dict[str, str]:
    """A project whose production has rows, and migrations that are pending; its variables."""
    for name in ("environments", "migrations"):
        (project / name).mkdir(parents=True)
    environ = {**os.environ, "PRODUCTION_DATABASE_URL": url, "COLUMNS": str(COLUMNS)}
    (project / "environments/production.yaml").write_text(ENVIRONMENT)
    (project / "migrations/001_create_shop.sql").write_text(BEFORE)
    run(project, environ, "up", "-e", "production")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(ROWS)
        connection.execute("vacuum analyze")
    for name, text in FILES.items():
        (project / "migrations" / name).write_text(text)
    person = ("-c", "user.name=Ann Lee", "-c", "user.email=ann@example.com")
    for arguments in (
        ("init", "-q", "-b", "main"),
        ("add", "-A"),
        ("commit", "-qm", "Coupons; whole cents"),
    ):
        subprocess.run(["git", *person, *arguments], cwd=project, check=True)
    return environ


def run(project: Path, environ: dict[str, str], *arguments: str) -> str:
    """What a command prints."""
    command = [*COMMAND, *arguments]
    ended = subprocess.run(
        command, cwd=project, env=environ, check=True, capture_output=True, encoding="utf-8"
    )
    return ended.stdout


def on_terminal(project: Path, environ: dict[str, str], *arguments: str) -> str:
    """What a command shows on a terminal, with its colours."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=project, env={**environ, "TERM": "xterm-256color"},
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    told = b"".join(iter(lambda: _read(ours), b"")).decode().replace("\r\n", "\n")
    process.wait()
    return OTHER.sub("", told).rpartition("\r")[2]


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def draw_terminal(text: str) -> str:
    """An SVG of what a terminal shows."""
    lines = [one for line in text.rstrip().split("\n") for one in _wrapped(line)]
    width, height = COLUMNS * CELL + 2 * EDGE, len(lines) * LINE + 2 * EDGE
    drawn = "\n".join(
        f'<text x="{EDGE}" y="{EDGE + (n + 0.75) * LINE:g}">{"".join(_spans(line))}</text>'
        for n, line in enumerate(lines)
        if line.strip()
    )
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">
<title>migrate plan on a terminal</title>
<rect width="100%" height="100%" rx="8" fill="#15171b"/>
<g font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14"
 fill="#e5e7ea" style="white-space:pre">
{drawn}
</g>
</svg>
"""


def _wrapped(line: str) -> Iterator[str]:
    """The line as a terminal breaks it; codes take no room."""
    row, width = "", 0
    codes: list[str] = []
    for part in re.split(r"(\x1b\[[\d;]*m)", line):
        if part.startswith("\x1b"):
            codes = [*codes, part] if part != "\x1b[0m" else []
        for sign in [part] if part.startswith("\x1b") else part:
            if len(sign) == 1 and width == COLUMNS:
                yield row
                row, width = "".join(codes), 0
            row += sign
            width += len(sign) == 1
    yield row


def _spans(line: str) -> Iterator[str]:
    codes: set[str] = set()
    for place, part in enumerate(SGR.split(line)):
        if place % 2:
            codes = codes | set(part.split(";")) if part not in ("", "0") else set()
        elif part:
            colour = next((COLOURS[code] for code in codes if code in COLOURS), "")
            style = f' fill="{colour}"' * bool(colour) + ' font-weight="700"' * ("1" in codes)
            yield f"<tspan{style}>{escape(part)}</tspan>"


def photograph(page: Path, target: Path) -> None:
    """The first screen of a page."""
    with open_browser() as browser:
        viewport: Any = SIZE
        opened = browser.new_page(viewport=viewport)
        opened.goto(page.as_uri())
        opened.screenshot(path=target)


if __name__ == "__main__":
    main()
