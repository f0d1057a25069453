"""Words that a reader has to translate are in no message, docstring, comment or page."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
AVOIDED = re.compile(
    r"\b(was not had|were not had|be had|wholly|anew|whoever|in the midst|for who|comes of"
    r"|stands|(?:may|can|must|not|will|would|they|that|which|keys) stand(?!-)"
    r"|(?:runs?|comes?|goes on|go on|ran|told|leaves?|does it) behind"
    r"|(?<![`'\"])nobody(?![`'\"])"  # the account of this name is in quotes
    r"|(?:is|are|was|were) told)\b".replace(" ", r"[\s#]+"),  # also across lines
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
    found = []
    for path in written():
        text = path.read_text(encoding="utf-8")
        for match in AVOIDED.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{path.relative_to(ROOT)}:{line}: {match[0]}")
    assert found == []
