"""Posts a review as the one comment of a pull request, or changes the comment that is there.

    python comment.py review.md

The first line of what `migrate show --format markdown` prints is invisible and names the
environment: by that line, and by its author, the comment of an earlier push is found again. Others
may write the same line: their comments are left alone.

On GitHub: GITHUB_TOKEN, with the right to write pull requests; PULL_REQUEST, its number.
On GitLab: GITLAB_TOKEN, with the scope `api`; all else is there in a merge request's pipeline.
"""

import json
import os
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

PER_PAGE = 100
ACTIONS = "github-actions[bot]"
"""Whom a workflow's own token writes as; it may not ask for its name."""


def call(method, url, body=None):
    """The JSON that the forge answers."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, method=method, headers=headers())
    with urlopen(request, timeout=30) as answer:
        return json.load(answer)


def headers():
    content = {"Content-Type": "application/json"}
    if "GITHUB_TOKEN" in os.environ:
        return content | {"Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}"}
    return content | {"PRIVATE-TOKEN": os.environ["GITLAB_TOKEN"]}


def places():
    """Where comments are listed and made, where one is changed, and by which method."""
    given = os.environ
    if "GITHUB_TOKEN" in given:
        issues = f"{given['GITHUB_API_URL']}/repos/{given['GITHUB_REPOSITORY']}/issues"
        return f"{issues}/{given['PULL_REQUEST']}/comments", f"{issues}/comments", "PATCH"
    project = f"{given['CI_API_V4_URL']}/projects/{given['CI_PROJECT_ID']}"
    notes = f"{project}/merge_requests/{given['CI_MERGE_REQUEST_IID']}/notes"
    return notes, notes, "PUT"


def own_name():
    """Whom the token writes as."""
    github = "GITHUB_TOKEN" in os.environ
    try:
        me = call("GET", f"{os.environ['GITHUB_API_URL' if github else 'CI_API_V4_URL']}/user")
    except HTTPError as refused:
        if not github or refused.code != 403:
            raise
        return ACTIONS
    return me["login" if github else "username"]


def author(comment):
    """Who wrote a comment; None when that account is deleted."""
    user = comment.get("user") or comment.get("author") or {}
    return user.get("login") or user.get("username")


def find(comments, marker):
    """The number of our own comment that begins with the marker; None when there is none."""
    name = own_name()
    page = 1
    while found := call("GET", f"{comments}?per_page={PER_PAGE}&page={page}"):
        for comment in found:
            if comment["body"].startswith(marker) and author(comment) == name:
                return comment["id"]
        page += 1
    return None


def main(path):
    text = Path(path).read_text(encoding="utf-8")
    comments, one, change = places()
    number = find(comments, text.partition("\n")[0])
    if number is None:
        call("POST", comments, {"body": text})
    else:
        call(change, f"{one}/{number}", {"body": text})


if __name__ == "__main__":
    main(sys.argv[1])
