"""What the HTML pages share: templates that escape all, a style, a policy that fetches nothing.

Knows no page. A page is one file in ASCII: whatever encoding it is saved in, it is the same.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from lockgate.planner.hidden import reveal
from lockgate.planner.quantities import format_moment

BASE = "base.css"


def open_templates(filters: dict[str, Any]) -> Environment:
    """The templates of this package, with the filters of a page."""
    environment = Environment(
        loader=PackageLoader("lockgate", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {"moment": format_moment} | filters
    return environment


def render_page(environment: Environment, name: str, script: str, **values: Any) -> str:
    """The page of the template `NAME.html.j2` with its `NAME.css`; `script` is a file, or none."""
    style = _source(environment, BASE) + _source(environment, f"{name}.css")
    own = _source(environment, script) if script else Markup()
    page = environment.get_template(f"{name}.html.j2").render(
        style=style, script=own, policy=_policy(style, own), **values
    )
    return page.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _shown(value: object) -> object:
    """What no reader would see is written out, in every text of the project's."""
    return value if isinstance(value, Markup) else escape(reveal(str(value)))


def _source(environment: Environment, name: str) -> Markup:
    """A file of ours, unchanged."""
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0])


def _policy(style: str, script: str) -> str:
    """The Content Security Policy: nothing is fetched, nothing else than our script runs.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/CSP
    """
    scripts = f"'{_hash(script)}'" if script else "'none'"
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; "
        f"style-src '{_hash(style)}'; script-src {scripts}"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("ascii")).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
