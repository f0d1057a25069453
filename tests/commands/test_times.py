"""Every time that a command prints: one format for people, with its zone, and UTC for programs."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from tests.commands.blocking import held_table, prepare_blocked, wait_until_blocked
from tests.commands.pseudoterminal import ESCAPE, on_terminal
from tests.commands.running import Project, succeed

TIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?:\S*\d)?(?: ?[A-Z]{1,5}\b|[+-]\d\d:?\d\d)?")
READABLE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?: (?P<zone>[A-Z]+))?")
ATTRIBUTE = re.compile(r'datetime="([^"]+)"')
FOR_PEOPLE = [
    *(["plan"], ["show", "plan.json"], ["show", "plan.json", "--format", "markdown"]),
    *(["diff-plan", "first.json", "plan.json"], ["status"], ["status", "--all"], ["history"]),
    *(["history", "RUN"], ["history", "REBOUND"], ["drift"], ["doctor"], ["lock"]),
]
PAGES = (["show", "plan.json", "--format", "html"], ["status", "--all", "--format", "html"])
FOR_PROGRAMS = (
    *(["plan", "--json"], ["show", "plan.json", "--format", "json"], ["status", "--json"]),
    *(["diff-plan", "first.json", "plan.json", "--json"], ["status", "--all", "--json"]),
    *(["history", "--json"], ["history", "RUN", "--json"], ["history", "REBOUND", "--json"]),
    *(["drift", "--json"], ["doctor", "--json"], ["lock", "--json"], ["state", "pull"]),
)
INDIA = {"TZ": "IST-5:30", "COLUMNS": "200"}


def fill(project: Project) -> dict[str, str]:
    """Runs of several kinds in the history; the ids of one of each."""
    project.configure("drift: check\nmax_plan_age: 1d\n")
    project.write_tables(2)
    succeed(project.migrate("plan", "--to", "1", "-o", "first.json"))
    succeed(project.migrate("apply", "first.json"))
    succeed(project.migrate("rebind"))
    succeed(project.migrate("plan"))
    bound, applied = succeed(project.migrate("history", "--json")).document["runs"]
    assert bound["rebound"]["before"] != bound["rebound"]["after"]
    return {"RUN": applied["id"], "REBOUND": bound["id"]}


def strings_of(document: Any) -> Iterator[str]:
    """Every text in it."""
    if isinstance(document, dict | list):
        for each in document.values() if isinstance(document, dict) else document:
            yield from strings_of(each)
    elif isinstance(document, str):
        yield document


def times_of(text: str, zone: str) -> list[str]:
    """The times in a text for people, which is true of all: one format, and a zone at each or in
    the heading of its column."""
    found = TIME.findall(text)
    for time in found:
        match = READABLE.fullmatch(time)
        assert match, (time, text)
        assert match["zone"] == zone or (not match["zone"] and f"({zone})" in text), (time, text)
    return found


def test_a_time_has_one_format_for_people_and_is_utc_for_programs(project: Project) -> None:
    ids = fill(project)
    seen = dict.fromkeys(("people", "local", "pages", "programs"), 0)
    for arguments in FOR_PEOPLE:
        given = [ids.get(one, one) for one in arguments]
        seen["people"] += len(times_of(project.migrate(*given).all, "UTC"))
        shown = on_terminal(project, *given, **INDIA).out
        zone = "UTC" if "markdown" in given else "IST"
        seen["local"] += len(times_of(ESCAPE.sub("", shown), zone))
    for arguments in PAGES:
        page = succeed(project.migrate(*arguments)).out
        for moment in ATTRIBUTE.findall(page):
            assert datetime.fromisoformat(moment).utcoffset() == timedelta(0)
        seen["pages"] += len(times_of(ATTRIBUTE.sub("", page), "UTC"))
    for arguments in FOR_PROGRAMS:
        out = succeed(project.migrate(*[ids.get(one, one) for one in arguments])).out
        out = out or (project.folder / "state.json").read_text()
        for text in strings_of(json.loads(out)):
            if match := TIME.match(text):
                assert datetime.fromisoformat(text).utcoffset() == timedelta(0), (match, arguments)
                seen["programs"] += 1
    assert min(seen.values()) > 2, seen


def test_a_terminal_shows_the_local_time_of_a_run(project: Project) -> None:
    ids = fill(project)
    run = succeed(project.migrate("history", ids["RUN"], "--json")).document["run"]
    local = datetime.fromisoformat(run["started_at"]) + timedelta(hours=5, minutes=30)
    for arguments in (["history"], ["history", ids["RUN"]]):
        shown = on_terminal(project, *arguments, **INDIA).out
        assert f"{local:%Y-%m-%d %H:%M:%S}" in shown


def test_the_holder_of_the_lock_and_events_have_such_times_too(
    any_project: Project, any_server: Any
) -> None:
    prepare_blocked(any_server, any_project)
    with held_table(any_server, any_project.database, "held"):
        process = any_project.start("up", "--json")
        wait_until_blocked(any_server, any_project.database)
        assert times_of(any_project.migrate("lock").out, "UTC")
        since = any_project.migrate("lock", "--json").document["holder"]["since"]
        assert datetime.fromisoformat(since).utcoffset() == timedelta(0)
    out, _ = process.communicate(timeout=60)
    for text in strings_of([json.loads(line) for line in out.splitlines()]):
        if TIME.match(text):
            assert datetime.fromisoformat(text).utcoffset() == timedelta(0)
