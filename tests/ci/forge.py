"""A code host's comments over HTTP on loopback: enough of GitHub's and GitLab's API to post one."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

LISTS = re.compile(r"/repos/ann/shop/issues/7/comments|/projects/42/merge_requests/7/notes")
ONE = re.compile(r"/(?:repos/ann/shop/issues/comments|projects/42/merge_requests/7/notes)/(\d+)")

BOT, PERSON = "github-actions[bot]", "migrations"
"""Whom the token writes as, on GitHub and on GitLab."""


class Forge:
    """The comments of pull request 7, by number, and what was asked for."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.comments: dict[int, str] = {}
        self.strangers: set[int] = set()
        """The comments that are not by whom the token writes as."""
        self.calls: list[str] = []

    def user(self, is_token_of_workflow: bool) -> Any:
        """Who asks. GitHub does not tell a workflow's own token."""
        return None if is_token_of_workflow else {"username": PERSON}

    def _comment(self, number: int, own: str) -> Any:
        name = "mallory" if number in self.strangers else own
        user = {"user": {"login": name}, "author": {"username": name}}
        return {"id": number, "body": self.comments[number], **user}

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Any:
        """What the API says; None where it has nothing there."""
        self.calls.append(method)
        if LISTS.fullmatch(path) and method == "POST":
            number = len(self.comments) + 1
            self.comments[number] = body["body"]
            return {"id": number}
        if LISTS.fullmatch(path) and method == "GET":
            size, page = int(query["per_page"][0]), int(query["page"][0])
            listed = [self._comment(n, BOT if "/repos/" in path else PERSON) for n in self.comments]
            return listed[(page - 1) * size : page * size]
        one = ONE.fullmatch(path)
        if one and method == ("PATCH" if "/repos/" in path else "PUT"):
            self.comments[int(one[1])] = body["body"]
            return {"id": int(one[1])}
        return None


@contextmanager
def open_forge(token: str) -> Iterator[tuple[Forge, str]]:
    """A forge that answers who has the token, and its URL."""
    forge = Forge(token)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            given = (self.headers.get("Authorization"), self.headers.get("PRIVATE-TOKEN"))
            split = urlsplit(self.path)
            if split.path == "/user":
                found = forge.user(given[0] is not None)
            else:
                found = forge.answer(self.command, split.path, parse_qs(split.query), body)
            allowed = f"Bearer {token}" == given[0] or token == given[1]
            self.send_response(200 if allowed and found is not None else 403)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        do_GET = do_POST = do_PUT = do_PATCH = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nothing: the tests ask the forge what it was asked."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield forge, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
