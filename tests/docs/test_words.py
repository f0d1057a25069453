"""Words that a reader has to translate are in no message, docstring, comment or page."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
AVOIDED = re.compile(
    r"\b(was not had|were not had|be had|wholly|anew|whoever|in the midst|for who|comes of"
    r"|stands (?:in(?! for)|above|below|before|inside|here|there|within|between|around)"
    r"|(?:runs?|comes?|goes on|go on|ran|told) behind"
    r"|stands? behind|nobody (?:waits|uses the table|reads or writes|can tell|knows|tells)"
    r"|is told (?:how|of its|there|below|above)|the worst is told|mistakes are told)\b",
    re.IGNORECASE,
)
SUFFIXES = (".py", ".md", ".j2", ".css", ".yaml", ".yml")


def written() -> Iterator[Path]:
    """Every file with words for people; the tests' own speak to developers alone."""
    yield from (ROOT / name for name in ("README.md", "SECURITY.md"))
    for top in ("lockgate", "planner", "executors", "docs", "examples", "environments"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in SUFFIXES and path.resolve() == path:
                yield path


def test_no_word_has_to_be_translated() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in written()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for match in AVOIDED.finditer(line)
    ]
    assert found == []
