"""One JSON document on stdout."""

from __future__ import annotations

import json
from typing import Any

from lockgate.views.terminal import say_json


def show_document(document: dict[str, Any] | list[dict[str, Any]]) -> None:
    """A document on stdout, indented."""
    say_json(json.dumps(document, indent=2))
