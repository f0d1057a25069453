"""The plan file: the same bytes for the same plan, and what was altered is not read."""

import json
import os
import stat
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.planner.document import document_digest, document_pieces
from lockgate.planner.errors import (
    AlteredPlan,
    InvalidPlan,
    LockgateError,
    MalformedPlan,
    UnsupportedPlan,
    UsageError,
)
from lockgate.planner.plan.plan import intent_digest
from lockgate.planner.plan.planfile import parse_plan, read_plan, render_plan, write_plan
from tests.planner.literals import SETTING, ledger, migration, up_plan

PLAN = up_plan([migration("001"), migration("002", down="")])
TEXT = render_plan(PLAN)
BEGINNING = '{"format": "lockgate-plan", "format_version": "1.1", '
OLDER = Path(__file__).with_name("plan_1_0.json").read_text(encoding="utf-8")
Edit = Callable[[dict[str, Any]], object]


def sealed(edit: Edit) -> bytes:
    """The plan's document after an edit, with the digest of what it then is."""
    document = json.loads(TEXT)
    edit(document)
    document["digest"] = document_digest(document)
    return json.dumps(document).encode()


def refused(data: bytes | str, error: type[LockgateError]) -> LockgateError:
    with pytest.raises(InvalidPlan) as caught:
        parse_plan(data if isinstance(data, bytes) else data.encode(), "plan.json")
    assert type(caught.value) is error
    assert any(
        way in caught.value.do for way in ("migrate plan", "make a new one", "Update lockgate")
    )
    return caught.value


class TestWriting:
    def test_what_is_written_is_read_as_an_equal_plan(self, tmp_path: Path) -> None:
        write_plan(PLAN, tmp_path / "plan.json")
        assert read_plan(tmp_path / "plan.json") == PLAN

    def test_the_same_plan_is_the_same_bytes(self, tmp_path: Path) -> None:
        for name in ("one.json", "two.json"):
            write_plan(up_plan([migration("001"), migration("002", down="")]), tmp_path / name)
        assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
        assert render_plan(parse_plan(TEXT.encode(), "plan.json")) == TEXT

    def test_it_is_indented_json_with_a_newline_at_the_end(self) -> None:
        assert TEXT.startswith('{\n  "format": "lockgate-plan",\n  "format_version": "1.1",\n')
        assert TEXT.endswith("\n}\n")

    def test_only_its_owner_may_read_it(self, tmp_path: Path) -> None:
        path = tmp_path / "plan.json"
        path.touch(mode=0o644)
        write_plan(PLAN, path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_nothing_else_is_left_in_the_folder(self, tmp_path: Path) -> None:
        write_plan(PLAN, tmp_path / "plan.json")
        assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]

    def test_a_folder_that_is_missing_is_a_usage_error(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="cannot be written") as caught:
            write_plan(PLAN, tmp_path / "none" / "plan.json")
        assert "-o FILE" in caught.value.do

    def test_a_directory_in_its_place_is_a_usage_error_and_nothing_is_left(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "plan.json").mkdir()
        with pytest.raises(UsageError, match="cannot be written"):
            write_plan(PLAN, tmp_path / "plan.json")
        assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]

    @given(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0'\\{}\r")),
        st.text(st.characters(exclude_categories=["Cs"])),
        st.integers(0, 2**63 - 1),
    )
    def test_any_text_comes_back_as_it_was(self, sql: str, name: str, serial: int) -> None:
        setting = replace(SETTING, project=name, warnings=(name,))
        found = replace(ledger(serial=0), serial=serial)
        plan = up_plan([migration(1, f"select '{sql}';", f"select 2, '{sql}'")], found, setting)
        assert plan.steps[0].statements[0].sql == f"select '{sql}'"
        text = render_plan(plan)
        assert parse_plan(text.encode(), "plan.json") == plan
        assert render_plan(parse_plan(text.encode(), "plan.json")) == text


class TestReading:
    @pytest.mark.parametrize("name", ["none.json", "folder"])
    def test_a_file_that_cannot_be_read_is_a_usage_error(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        with pytest.raises(UsageError) as caught:
            read_plan(tmp_path / name)
        reason = "Is a directory" if name == "folder" else "No such file or directory"
        assert caught.value.what.endswith(f"cannot be read: {reason}.")
        assert "migrate plan" in caught.value.do

    @pytest.mark.parametrize(
        ("data", "what"),
        [
            (b"", "it is not JSON"),
            (TEXT[:-20].encode(), "it is not JSON"),
            (TEXT.encode() + b"{}", "it is not JSON: Extra data"),
            (b"\xef\xbb\xbf" + TEXT.encode(), "Unexpected UTF-8 BOM"),
            (b'{"format": "\xff"}', "byte 12 is not valid UTF-8"),
            (TEXT.encode("utf-16"), "byte 0 is not valid UTF-8"),
            (b"[]", 'does not say "format": "lockgate-plan"'),
            (b"null", 'does not say "format": "lockgate-plan"'),
            (b"{}", 'does not say "format": "lockgate-plan"'),
            (b'{"format": "lockgate-plan"}', "it has no format_version"),
            (BEGINNING + '"a": NaN}', "NaN, which is not JSON"),
            (BEGINNING + '"a": [-Infinity]}', "-Infinity, which is not JSON"),
            (BEGINNING + '"a": 1e999}', "inf is not representable"),
            (BEGINNING + f'"a": {2**53}}}', "exceeds safe integer domain"),
            (BEGINNING + f'"a": {"9" * 5000}}}', "the number 9999999999999999…"),
            (BEGINNING + f'"a": {"[" * 100_000}', "nested too deep"),
            (BEGINNING + f'"a": {"[" * 100_000}{"]" * 100_000}}}', "nested too deep"),
            (BEGINNING + '"a": 1, "a": 2}', "the key 'a' twice in one object"),
            (BEGINNING + '"a": [{"b": {"c": 1, "d": 2, "\\u0063": 1}}]}', "the key 'c' twice"),
            (BEGINNING + '"a": "\\ud800"}', "surrogates not allowed"),
            (BEGINNING + '"\\ud800": 1}', "surrogates not allowed"),
        ],
        ids=lambda value: str(value)[:30],
    )
    def test_what_is_not_a_plan_is_malformed(self, data: bytes | str, what: str) -> None:
        assert what in refused(data, MalformedPlan).what

    @pytest.mark.parametrize("version", ['"2.0"', '"0.9"', '"10.0"', "2", "null", '"draft"'])
    def test_another_major_version_is_unsupported(self, version: str) -> None:
        data = TEXT.replace('"format_version": "1.1"', f'"format_version": {version}')
        error = refused(data, UnsupportedPlan)
        assert f"plan format {json.loads(version)};" in error.what

    @pytest.mark.parametrize("version", ["1", "1.", "1.x"])
    def test_a_version_without_a_minor_is_malformed(self, version: str) -> None:
        data = sealed(lambda document: document.update(format_version=version))
        assert "format_version" in refused(data, MalformedPlan).what

    @pytest.mark.parametrize("version", ["1.2", "1.7", "1.10"])
    def test_a_later_minor_version_needs_a_later_lockgate(self, version: str) -> None:
        data = sealed(lambda document: document.update(format_version=version))
        error = refused(data, UnsupportedPlan)
        assert "this lockgate is too old" in error.what
        assert "reads plans up to 1.1" in error.what

    @pytest.mark.parametrize(
        ("edit", "place"),
        [
            (lambda plan: plan.update(nonce="x"), "nonce"),
            (lambda plan: plan["steps"][0].update(nonce="x"), "steps.0.nonce"),
            (
                lambda plan: plan["steps"][0]["statements"][0].update(nonce="x"),
                "steps.0.statements.0.nonce",
            ),
            (lambda plan: plan["target"].update(nonce="x"), "target.nonce"),
            (
                lambda plan: plan["decisions"].append(
                    {"policy": "p", "answer": "allow", "reason": "r", "nonce": "x"}
                ),
                "decisions.0.nonce",
            ),
        ],
    )
    def test_an_unknown_key_is_refused(self, edit: Edit, place: str) -> None:
        assert f"{place}: Extra inputs" in refused(sealed(edit), MalformedPlan).what

    def test_a_plan_of_format_1_0_is_read_and_written_with_the_keys_that_it_has(self) -> None:
        plan = parse_plan(OLDER.encode(), "plan.json")
        assert plan.steps[0].statements[0].reading is None
        assert render_plan(plan) == OLDER
        assert parse_plan("".join(document_pieces(plan, 1_000)).encode(), "the database") == plan

    def test_a_device_is_written_to_and_not_replaced(self, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
        read: list[bytes] = []
        reader.start()
        write_plan(PLAN, pipe)
        reader.join()
        assert read == [TEXT.encode()]
        assert pipe.is_fifo()

    def test_a_link_is_followed(self, tmp_path: Path) -> None:
        link = tmp_path / "plan.json"
        link.symlink_to(tmp_path / "release.json")
        write_plan(PLAN, link)
        assert link.is_symlink()
        assert read_plan(tmp_path / "release.json") == PLAN

    @pytest.mark.parametrize("key", [key for key in json.loads(TEXT) if key != "digest"])
    def test_a_missing_key_is_malformed_or_has_a_default(self, key: str) -> None:
        data = sealed(lambda document: document.pop(key))
        defaults = {
            "warnings": (),
            "accepted": (),
            "state_pulled_at": None,
            "promotion": None,
            "decisions": (),
            "fingerprint": None,
            "fresh": None,
            "adopted": None,
            "rehearsal": None,
        }
        if key in defaults:
            assert getattr(parse_plan(data, "plan.json"), key) == defaults[key]
        else:
            assert key in refused(data, MalformedPlan).what

    def test_a_value_of_a_wrong_type_names_its_place(self) -> None:
        data = sealed(lambda document: document["steps"][1].update(version=3))
        assert "steps.1.version" in refused(data, MalformedPlan).what


class TestDigests:
    @pytest.mark.parametrize(
        "data",
        [
            TEXT.replace("create table t001", "create table x001"),
            TEXT.replace('"environment": "dev"', '"environment": "production"'),
            TEXT.replace('"warnings": []', '"warnings": [""]'),
            TEXT.replace(PLAN.digest, "0" * 64),
            TEXT.replace(f'"{PLAN.digest}"', "null"),
        ],
    )
    def test_any_change_is_noticed(self, data: str) -> None:
        assert data != TEXT
        error = refused(data, AlteredPlan)
        assert "was altered after it was made" in error.what
        assert error.why == "What would run is not what was reviewed."

    def test_order_of_keys_and_white_space_do_not_matter(self) -> None:
        turned = json.dumps(dict(reversed(json.loads(TEXT).items())), indent=7)
        assert parse_plan(turned.encode(), "plan.json") == PLAN

    @pytest.mark.parametrize("part", ["statements", "rollback"])
    def test_a_statement_must_fit_the_digest_beside_it(self, part: str) -> None:
        data = sealed(lambda document: document["steps"][0][part][0].update(sql="drop table x"))
        assert "its statements do not fit" in refused(data, AlteredPlan).what

    def test_the_steps_must_fit_the_intent_that_was_reviewed(self) -> None:
        data = sealed(lambda document: document["steps"].pop())
        assert "its intent does not fit" in refused(data, AlteredPlan).what
        fitting = {"intent_digest": intent_digest(PLAN.steps[:1])}
        data = sealed(lambda document: (document["steps"].pop(), document.update(fitting)))
        assert parse_plan(data, "plan.json").steps == PLAN.steps[:1]
