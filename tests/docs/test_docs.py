"""The documentation, held to the code: every terminal session is run, every link is followed."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from lockgate.executors.mysql import ledger as mysql_ledger
from lockgate.executors.postgresql import ledger as postgresql_ledger
from lockgate.main import cli
from tests.docs.pages import ROOT, blocks, commands, open_desk, run_page

DOCS = ROOT / "docs"
LONGEST = 160
"""Lines of a page that is read from its beginning: one question, and no more than its answer."""

PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"#{1,6} (.+)")
WORD = re.compile(r"`(--?[a-z][a-z-]*)")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def has_console(page: Path) -> bool:
    """Reference pages show output to explain its format; all others tell a story that can run."""
    if page.parent.name == "reference":
        return False
    return any(block.kind == "console" for block in blocks(page.read_text()))


def prose(page: Path) -> str:
    """The text outside of fenced blocks."""
    return re.sub(r"^(`{3,}).*?^\1$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as the usual renderers make them."""
    titles = [match[1] for line in prose(page).splitlines() if (match := HEADING.fullmatch(line))]
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.fixture
def desk() -> Iterator[Path]:
    """A folder for one reader; not tmp_path, which is closed to the embedded server of root."""
    with open_desk() as folder:
        yield folder


@pytest.mark.usefixtures("openssh")
@pytest.mark.parametrize("page", [page for page in PAGES if has_console(page)], ids=name)
def test_what_a_page_shows_is_what_happens(
    page: Path, desk: Path, request: pytest.FixtureRequest
) -> None:
    text = page.read_text()
    variables = {}
    for block in blocks(text):
        if block.kind == "server":
            variables["DATABASE_URL"] = request.getfixturevalue(f"{block.argument}_url")
    for command in run_page(text, desk, variables):
        if not command.agrees:
            place = f"{name(page)}:{command.line}: {command.text}"
            pytest.fail("\n".join([place, *command.actual, f"exit code {command.code}"]))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_links_only_to_what_exists(page: Path) -> None:
    broken = []
    for link in LINK.findall(prose(page)):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def test_every_address_within_the_repository_leads_to_a_file() -> None:
    """Those of the wheel's metadata, of findings, and of pages that are read elsewhere."""
    top = re.compile(r"https://github\.com/lockgate/lockgate/(?:blob|raw|tree)/[^/\s]+/([\w./-]+)")
    files = [ROOT / "pyproject.toml", *PAGES, *(ROOT / "lockgate").glob("**/*.py")]
    found = {path for file in files for path in top.findall(file.read_text(encoding="utf-8"))}
    assert {"CHANGELOG.md", "SECURITY.md", "docs/index.md"} <= found
    assert [path for path in found if not (ROOT / path.rstrip(".")).exists()] == []


def test_pictures_are_small_and_shown() -> None:
    shown = {(page.parent / link).resolve() for page in PAGES for link in LINK.findall(prose(page))}
    for picture in (DOCS / "pictures").iterdir():
        assert picture.stat().st_size < 150_000
        assert picture.resolve() in shown


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=name)
def test_a_page_can_be_reached_from_the_index(page: Path) -> None:
    rules = DOCS / "reference/lint.md"
    start = rules if page.parent.name == "rules" else DOCS / "index.md"
    linked = {
        (start.parent / link.partition("#")[0]).resolve() for link in LINK.findall(prose(start))
    }
    assert page == start or page.resolve() in linked


def test_contributing_names_only_files_that_exist() -> None:
    text = (DOCS / "contributing.md").read_text()
    named = re.findall(r"`((?:planner|executors|lockgate|tests|examples)/[^`\s]*)`", text)
    assert len(named) >= 40
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=name)
def test_a_page_is_short(page: Path) -> None:
    lines = len(page.read_text().splitlines())
    assert lines <= LONGEST or page.parent.name == "reference"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_console_block_begins_with_a_command(page: Path) -> None:
    for block in blocks(page.read_text()):
        if block.kind == "console":
            assert block.lines[0].startswith("$ "), block.line
            assert list(commands(block))


def options(command: click.Command) -> set[str]:
    """Every spelling of every option, and the names of the arguments."""
    found = {"--help"}
    for parameter in command.params:
        found.update([*parameter.opts, *parameter.secondary_opts])
        if isinstance(parameter, click.Argument):
            found.discard(parameter.opts[0])
    return found


def sections(page: Path) -> dict[str, str]:
    """The text under each second-level heading."""
    _, *parts = re.split(r"^## ", page.read_text(), flags=re.MULTILINE)
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


def every_command() -> dict[str, click.Command]:
    context = click.Context(cli)
    found = {each: cli.get_command(context, each) for each in cli.list_commands(context)}
    commands = {each: command for each, command in found.items() if command is not None}
    return dict(single for each in commands.items() for single in singled(*each))


def singled(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """The command itself, or those of a group, each with its whole name."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    for each, below in command.commands.items():
        yield f"{name} {each}", below


def test_the_commands_page_has_every_command_and_no_other() -> None:
    headings = [title for title in sections(DOCS / "reference/commands.md") if "`" in title]
    assert [re.sub(r"`|migrate ", "", title) for title in headings] == sorted(every_command())


@pytest.mark.parametrize("command", sorted(every_command()))
def test_the_commands_page_names_every_option_and_no_other(command: str) -> None:
    page = sections(DOCS / "reference/commands.md")
    shared = set(WORD.findall(page["Options that several commands share"]))
    known = options(every_command()[command])
    named = set(WORD.findall(page[f"`migrate {command}`"]))
    assert known - named - shared == set()
    assert named - known == set()


def test_the_commands_page_says_which_commands_share_an_option() -> None:
    text = sections(DOCS / "reference/commands.md")["Options that several commands share"]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()
            if line.startswith("| `")]  # fmt: skip
    for option, _, meaning, users in rows:
        long = WORD.findall(option)[-1]
        having = {each for each, command in every_command().items() if long in options(command)}
        assert set(users.split(", ")) in (having, {"all"}), (option, meaning)


def created(statements: dict[str, str]) -> dict[str, list[tuple[str, str]]]:
    """The columns of each table, and their types, from its CREATE TABLE."""
    tables = {}
    for sql in statements.values():
        found = re.search(r"table \{(\w+)\} \((.*)\)", sql, re.DOTALL)
        assert found, sql
        parts = [part.strip() for part in re.split(r",(?![^(]*\))", found[2])]
        columns = [part.split() for part in parts if not part.startswith("primary key")]
        tables[found[1]] = [(words[0], words[1]) for words in columns]
    return tables


NAMES = {
    "history": "schema_migrations",
    "target": "lockgate_target",
    "runs": "lockgate_runs",
    "plans": "lockgate_plans",
    "journal": "lockgate_journal",
    "batches": "lockgate_batches",
}


@pytest.mark.parametrize(("engine", "place"), [(postgresql_ledger, 1), (mysql_ledger, 2)])
def test_the_tables_page_has_every_column_and_its_type(engine: Any, place: int) -> None:
    page = sections(DOCS / "reference/database-tables.md")
    for table, columns in created(engine.CREATE_TABLES).items():
        rows = [
            [cell.strip().strip("`") for cell in line.split("|")[1:-1]]
            for line in page[f"`{NAMES[table]}`"].splitlines()
            if line.startswith("| `")
        ]
        assert [(row[0], row[place]) for row in rows if row[place]] == columns
