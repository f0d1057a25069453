"""What reaches a terminal, a pipe, and a reader who has left."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands.pseudoterminal import COLOUR, ESCAPE, on_terminal
from tests.commands.running import COMMAND, Project, refused, succeed

NASTY = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202e"
HARMFUL = ("\x1b", "\x9b", "\x07", "\u202e")


def test_piped_output_is_plain_text(project: Project) -> None:
    project.write_tables(2)
    for arguments in (["status"], ["plan"], ["show", "plan.json", "--format", "sql"],
                      ["show", "plan.json", "--format", "markdown"],
                      ["show", "plan.json", "--format", "html"],
                      ["apply", "plan.json", "-v"], ["history"], ["lock"], ["--help"]):  # fmt: skip
        result = succeed(project.migrate(*arguments, environ={"TERM": "xterm-256color"}))
        assert "\x1b" not in result.all, arguments
        assert result.out.isprintable() or all(
            line.isprintable() for line in result.out.splitlines()
        )


def test_a_terminal_gets_colour_and_highlighted_sql(project: Project) -> None:
    project.write_tables(1)
    assert COLOUR.search(on_terminal(project, "status").out)
    succeed(project.migrate("plan"))
    shown = succeed(on_terminal(project, "show", "plan.json", "--format", "sql"))
    assert COLOUR.search(shown.out)
    assert "create table t1 (id int);" in ESCAPE.sub("", shown.out)
    applied = succeed(on_terminal(project, "apply", "plan.json"))
    assert COLOUR.search(applied.out)
    plain = ESCAPE.sub("", applied.out)
    assert "+ 1/1 001 t1" in plain
    assert "Applied 001 t1." in plain
    project.write("002_bad.sql", "select nonsense;")
    failed = on_terminal(project, "up")
    assert failed.code == 9
    assert COLOUR.search(failed.out)
    assert "Error: Step 1 of 1 failed" in ESCAPE.sub("", failed.out)


def test_no_color_is_honoured(project: Project) -> None:
    project.write_tables(1)
    succeed(project.migrate("plan"))
    for arguments in (["status"], ["show", "plan.json", "--format", "sql"], ["up", "-v"]):
        result = succeed(on_terminal(project, *arguments, NO_COLOR="1"))
        assert not COLOUR.search(result.out), arguments


def test_a_dumb_terminal_gets_plain_text(project: Project) -> None:
    project.write_tables(1)
    for arguments in (["status"], ["plan"], ["show", "plan.json", "--format", "sql"], ["up"]):
        result = succeed(on_terminal(project, *arguments, TERM="dumb"))
        assert "\x1b" not in result.out, arguments


def harmless(text: str) -> bool:
    """Whether nothing is left that came from NASTY; our own colours may be there."""
    return not any(mark in ESCAPE.sub("", text) for mark in HARMFUL) and "\x1b[31mred" not in text


def test_control_characters_of_files_and_servers_never_reach_a_terminal(
    project: Project, postgres_server: Any
) -> None:
    nasty_sql = f"select 1 /* {NASTY} */, '{NASTY}';"
    name = "001_a\x9b2J\u202e.sql"
    project.write(name, nasty_sql, "select 1;")
    for arguments in (
        ["status"],
        ["status", "--json"],
        ["plan"],
        ["plan", "--json"],
        ["show", "plan.json"],
        ["show", "plan.json", "--format", "sql"],
        ["show", "plan.json", "--format", "json"],
        ["show", "plan.json", "--format", "markdown"],
        ["show", "plan.json", "--format", "html"],
        ["up", "--dry-run"],
        ["up", "-v"],
        ["status"],
        ["down", "--json"],
        ["history"],
    ):
        result = succeed(on_terminal(project, *arguments))
        assert harmless(result.out), (arguments, result.out)
    (project.migrations / name).unlink()
    raising = "do $$ begin raise exception using message = {0}, detail = {0}, hint = {0}; end $$;"
    project.write("002_raise.sql", raising.format("E'" + NASTY.replace("\x1b", "\\x1b") + "'"))
    failed = on_terminal(project, "up")
    assert failed.code == 9
    assert harmless(failed.out), failed.out
    assert harmless(on_terminal(project, "up", "--json").out)
    assert harmless(succeed(on_terminal(project, "history")).out)


def test_sql_for_a_file_is_exact_whatever_the_locale(project: Project) -> None:
    literal = "кунде 12\u00a0€ \u200b a\r\nb"
    (project.migrations / "001_a.sql").write_bytes(f"-- migrate:up\nselect '{literal}';\n".encode())
    succeed(project.migrate("plan"))
    latin = project.environ({"PYTHONIOENCODING": "latin-1"})
    for arguments in (["show", "plan.json", "--format", "sql"], ["up", "--dry-run"]):
        ran = subprocess.run(
            [*COMMAND, *arguments], cwd=project.folder, env=latin, capture_output=True, check=True
        )
        assert f"select '{literal}';".encode() in ran.stdout, arguments
    told = subprocess.run(
        [*COMMAND, "show", "plan.json", "--format", "markdown"],
        cwd=project.folder, env=latin, capture_output=True, check=True,
    )  # fmt: skip
    assert "кунде 12⟨U+00A0⟩€" in told.stdout.decode()


def test_control_characters_of_the_command_line_are_not_echoed(project: Project) -> None:
    for arguments in (["up", "--to", NASTY], [NASTY], ["apply", NASTY], ["up", f"--{NASTY}"],
                      ["status", "-e", NASTY], ["down", "--steps", NASTY]):  # fmt: skip
        result = on_terminal(project, *arguments)
        assert result.code == 64
        assert harmless(result.out), (arguments, result.out)


@pytest.mark.parametrize(
    "arguments", [["status"], ["plan"], ["history"], ["--help"], ["status", "--json"]]
)
def test_a_reader_who_has_left_is_no_error(project: Project, arguments: list[str]) -> None:
    project.write_tables(300)
    reading, writing = os.pipe()
    os.close(reading)
    process = project.start(*arguments, stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Error" not in err
    assert "Traceback" not in err


def test_head_gets_its_line_and_nobody_complains(project: Project) -> None:
    project.write_tables(300)
    script = '"$0" -m lockgate status | head -1'
    result = succeed(project.migrate(command=("sh", "-c", script, sys.executable)))
    assert (result.out, result.err) == ("version  name  state    applied at (UTC)\n", "")


@pytest.mark.parametrize("arguments", [["up"], ["up", "-v"], ["up", "--json"]])
def test_a_run_goes_on_when_nobody_reads_its_output(project: Project, arguments: list[str]) -> None:
    project.write_tables(3)
    reading, writing = os.pipe()
    os.close(reading)
    process = project.start(*arguments, stdout=writing, stderr=writing)
    os.close(writing)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert succeed(project.migrate("status")).out.endswith("3 applied\n")


def test_a_run_goes_on_without_any_output(project: Project) -> None:
    project.write_tables(1)
    script = '"$0" -m lockgate "$@" >&- 2>&-'
    for arguments in (["status"], ["up"], ["history"], ["plan"]):
        succeed(project.migrate(*arguments, command=("sh", "-c", script, sys.executable)))
    succeed(project.migrate("down", "--json", command=("sh", "-c", script, sys.executable)))
    failed = project.migrate("up", "--to", "9", command=("sh", "-c", script, sys.executable))
    assert failed.code == 64


def test_what_the_encoding_lacks_is_escaped(project: Project, tmp_path: Path) -> None:
    project.write("001_grün.sql", "select '…';", "")
    ascii_only: Any = {"environ": {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}}
    assert "gr\\xfcn" in succeed(project.migrate("status", **ascii_only)).out
    assert "gr\\xfcn" in succeed(project.migrate("up", "-v", **ascii_only)).err
    document = succeed(project.migrate("status", "--json", **ascii_only)).document
    assert document["migrations"][0]["name"] == "grün"


def test_the_module_and_the_command_are_the_same(project: Project) -> None:
    installed = str(Path(COMMAND[0]).parent / "migrate")
    assert (
        succeed(project.migrate("--version", command=(installed,))).out
        == succeed(project.migrate("--version")).out
    )
    refused(project.migrate("statsu"), 64, "No such command", "'status'?", "migrate --help")
    refused(project.migrate("up", "--dryrun"), 64, "--dry-run", "Try 'migrate up --help' for help")
