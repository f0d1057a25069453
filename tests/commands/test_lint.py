"""`migrate lint`, as a person, a workflow and a code host use it: files and no database."""

import json
from pathlib import Path

import pytest

from tests.commands.running import Project, refused, succeed


@pytest.fixture
def files(tmp_path: Path) -> Project:
    """A project on PostgreSQL whose database cannot be reached."""
    return Project(tmp_path, "postgresql://nobody@127.0.0.1:1/nothing")


@pytest.fixture
def mysql_files(tmp_path: Path) -> Project:
    """A project on MySQL whose database cannot be reached."""
    return Project(tmp_path, "mysql://nobody@127.0.0.1:1/nothing")


DROP = "alter table users\n  drop column age;"


def test_harmless_files_have_no_findings(files: Project) -> None:
    files.write_tables(2)
    assert succeed(files.migrate("lint")).out == "No findings.\n"


def test_a_danger_is_shown_at_its_line_and_exits_3(files: Project) -> None:
    files.write("001_a.sql", DROP)
    result = files.migrate("lint")
    assert result.code == 3
    assert result.err == ""
    lines = result.out.splitlines()
    assert lines[0] == "migrations/001_a.sql:3: danger: ban-drop-column"
    assert [line.strip().partition(":")[0] for line in lines[2:3]] == ["Why"]
    assert lines[-1] == "1 danger."


def test_a_warning_exits_0(files: Project) -> None:
    files.write("001_a.sql", "create index on users (age);")
    result = succeed(files.migrate("lint"))
    assert "migrations/001_a.sql:2: warning: require-concurrent-index-creation" in result.out
    assert result.out.endswith("1 warning.\n")


def test_a_waiver_is_shown_with_its_reason_and_exits_0(files: Project) -> None:
    files.write("001_a.sql", f"-- migrate:allow ban-drop-column nobody reads it\n{DROP}")
    result = succeed(files.migrate("lint"))
    assert "migrations/001_a.sql:4: allowed: ban-drop-column" in result.out
    assert "Allowed: nobody reads it" in result.out
    assert succeed(files.migrate("validate")).out


@pytest.mark.parametrize("command", ["lint", "validate"])
def test_a_waiver_without_a_reason_is_an_error(files: Project, command: str) -> None:
    files.write("001_a.sql", f"-- migrate:allow ban-drop-column\n{DROP}")
    refused(files.migrate(command), 64, "001_a.sql:2", "gives no reason", "Write `-- migrate:allow")


def test_a_waiver_of_no_rule_is_an_error(files: Project) -> None:
    files.write("001_a.sql", f"-- migrate:allow ban-drop-colum why\n{DROP}")
    refused(files.migrate("lint"), 64, "001_a.sql:2", "Did you mean `ban-drop-column`?")


def test_mysql_is_linted_by_our_own_rules(mysql_files: Project) -> None:
    mysql_files.write("001_a.sql", "alter table t drop primary key;", "drop table t, u;")
    result = succeed(mysql_files.migrate("lint"))
    assert "migrations/001_a.sql:2: warning: blocks-table" in result.out
    assert "SHARED lock on t, rewrites every row (ALGORITHM=COPY)." in result.out


def test_versions_before_the_first_are_passed_over(files: Project) -> None:
    files.write("001_a.sql", DROP)
    files.write("002_b.sql", "select 1;")
    assert succeed(files.migrate("lint", "--from", "2")).out == "No findings.\n"
    assert files.migrate("lint", "--from", "1").code == 3
    refused(files.migrate("lint", "--from", "b"), 64, "b is no version")


def test_a_template_is_linted_as_it_is_rendered(files: Project) -> None:
    files.configure("variables:\n  name: users\n")
    text = "-- migrate:template jinja\n-- migrate:up\ndrop table {{ name }};\n"
    (files.migrations / "001_a.sql").write_text(text)
    assert "[users]" in files.migrate("lint").out


def test_json_has_every_field_of_each_finding(files: Project) -> None:
    files.write("001_a.sql", DROP)
    result = files.migrate("lint", "--format", "json")
    assert result.code == 3
    (finding,) = result.document["findings"]
    expected = {
        "file": "migrations/001_a.sql",
        "direction": "up",
        "code": "ban-drop-column",
        "severity": "danger",
        "statement": 1,
        "line": 3,
        "tool": "squawk",
        "allowed": None,
    }
    assert expected.items() <= finding.items()
    assert finding["message"]
    assert finding["why"]


def test_github_shows_annotations(files: Project) -> None:
    files.write("001_a.sql", f"{DROP}\n-- migrate:allow ban-drop-table 100% sure\ndrop table t;")
    error, notice = files.migrate("lint", "--format", "github").out.splitlines()
    place = "file=migrations/001_a.sql,line=3,endLine=3,title=ban-drop-column::"
    assert error.startswith(f"::error {place}")
    assert notice.startswith(
        "::notice file=migrations/001_a.sql,line=5,endLine=5,title=ban-drop-table::"
    )
    assert notice.endswith("%0AAllowed: 100%25 sure")


def test_gitlab_gets_a_code_quality_report_without_what_is_waived(files: Project) -> None:
    files.write("001_a.sql", f"{DROP}\n-- migrate:allow ban-drop-table unused\ndrop table t;")
    (entry,) = files.migrate("lint", "--format", "gitlab").document
    assert entry["check_name"] == "ban-drop-column"
    assert entry["location"] == {"path": "migrations/001_a.sql", "lines": {"begin": 3, "end": 3}}
    assert entry["severity"] == "blocker"
    assert entry["description"]
    assert len(entry["fingerprint"]) == 64


def test_sarif_is_what_the_standard_asks_for(files: Project) -> None:
    files.write("001_ä b.sql", f"{DROP}\n-- migrate:allow ban-drop-table unused\ndrop table t;")
    result = files.migrate("lint", "--format", "sarif")
    assert result.code == 3
    log = json.loads(result.out)
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    assert log["$schema"].endswith("/sarif-schema-2.1.0.json")
    run = log["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    described = run["tool"]["driver"]["rules"]
    assert all(rule["shortDescription"]["text"] for rule in described)
    assert any("**Why:**" in rule["help"]["markdown"] for rule in described if "help" in rule)
    for one in run["results"]:
        assert rules[one["ruleIndex"]] == one["ruleId"]
        assert one["level"] in ("none", "note", "warning", "error")
        assert one["message"]["text"]
        (location,) = one["locations"]
        place = location["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "migrations/001_%C3%A4%20b.sql"
    regions = [one["locations"][0]["physicalLocation"]["region"] for one in run["results"]]
    assert regions == [
        {"startLine": 3, "startColumn": 3, "endLine": 3, "endColumn": len("  drop column age") + 1},
        {"startLine": 5, "startColumn": 1, "endLine": 5, "endColumn": len("drop table t") + 1},
    ]
    prints = [one["partialFingerprints"]["lockgate/v1"] for one in run["results"]]
    assert len(prints) == len(set(prints)) == 2
    waived = [one.get("suppressions") for one in run["results"]]
    assert waived == [None, [{"kind": "inSource", "justification": "unused"}]]


def test_squawk_heeds_no_configuration_but_ours(files: Project) -> None:
    (files.folder / ".squawk.toml").write_text('excluded_rules = ["ban-drop-column"]\n')
    files.write("001_a.sql", DROP)
    assert files.migrate("lint").code == 3


def test_what_an_earlier_file_proves_is_known_in_a_later_one(files: Project) -> None:
    for number, sql in enumerate(
        (
            "alter table orders add constraint c check (customer is not null) not valid;",
            "alter table orders validate constraint c;",
            "alter table orders alter customer set not null;",
            "alter table orders drop constraint c;",
            "alter table orders alter customer set not null;",
        ),
        start=1,
    ):
        files.write(f"00{number}_x.sql", sql)
    found = succeed(files.migrate("lint", "--format", "github")).out.splitlines()
    assert [line.partition("file=")[2].partition(",")[0] for line in found] == [
        "migrations/005_x.sql"
    ]
