"""What git has of the project: the commit of the migrations, and environments of a commit."""

from __future__ import annotations

import os
import re
from pathlib import Path

from lockgate.executors.programs.git import ask_checkout, find_own_checkout
from lockgate.executors.programs.signatures import ALLOWED, REVOKED
from lockgate.planner.environments.folder import FOLDER, SUFFIXES, EnvironmentsFolder
from lockgate.planner.errors import UsageError
from lockgate.planner.plan.plan import CommitAuthor, Source
from lockgate.planner.project import Checkout

AUTHOR = re.compile(r"author (?P<name>.*?) ?<(?P<email>[^<>]*)> -?\d+ [+-]\d{4}")
NUMBER = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
LONGEST_SUBJECT = 200
SIGNERS = (ALLOWED, REVOKED)
ORDINARY = ("100644", "100755")
"""How git tells files from links and submodules."""


def read_source(directory: Path, digest: str) -> Source:
    """The commit that is checked out, who wrote it, and whether the directory differs from it.

    All are None outside of a git checkout, or where there is no git.
    """
    checkout = find_own_checkout(directory)
    commit = _commit(checkout) if checkout else None
    if not checkout or not commit:
        return Source(commit=None, dirty=None, digest=digest)
    about = ask_checkout(checkout, "cat-file", "commit", commit) or b""
    header, _, message = about.decode("utf-8", "replace").partition("\n\n")
    return Source(
        commit=commit,
        author=_author(header),
        subject=message.strip().partition("\n")[0][:LONGEST_SUBJECT],
        dirty=_is_changed(checkout, directory),
        digest=digest,
    )


def _commit(checkout: Checkout) -> str | None:
    answer = ask_checkout(checkout, "rev-parse", "--verify", "HEAD")
    return answer.decode().strip() if answer else None


def _author(header: str) -> CommitAuthor | None:
    """From the commit itself: no setting of git has a word in it."""
    for line in header.split("\n"):
        if match := AUTHOR.fullmatch(line):
            return CommitAuthor(name=match["name"], email=match["email"])
    return None


def _is_changed(checkout: Checkout, directory: Path) -> bool | None:
    """Submodules are passed over: git would read their own configuration."""
    place = f":(top,literal){directory.resolve().relative_to(checkout.top).as_posix()}"
    status = ("status", "--porcelain", "--ignore-submodules=all", "--", place)
    changes = ask_checkout(checkout, *status)
    return None if changes is None else bool(changes)


def copy_environments(folder: Path | None, ref: str, copy: Path) -> EnvironmentsFolder:
    """A copy in `copy` of the environments that a commit has, for the project that is checked out.

    What is checked out may be a pull request, and the commit the branch that it is for. `folder`
    is where they are in the checkout; None: the nearest `environments/` that the commit has,
    upwards.

    Raises:
        UsageError: there is no such commit, or it has none.
    """
    here = (folder.parent if folder else Path.cwd()).resolve()
    checkout = find_own_checkout(here)
    commit = checkout and _named(checkout, ref)
    if not checkout or not commit:
        raise UsageError(
            f"git has no commit {ref} here.",
            why="The environments are to be read from it. It is found by its full name alone: by a "
            "short one git finds a tag first, and anybody who may push can make a tag.",
            do="Fetch it first, for example `git fetch origin main`, and name it in full: "
            "`refs/remotes/origin/main`, or all digits of the commit.",
        )
    found, project = _committed(checkout, commit, folder, here)
    target = copy / (folder.name if folder else FOLDER)
    target.mkdir(parents=True)
    for name, data in found.items():
        (target / name).write_bytes(data)
    if not found:
        raise UsageError(
            f"The commit {ref} has no {FOLDER}/ folder with a YAML file for {here}.",
            do="Add the environments to that branch first.",
        )
    return EnvironmentsFolder(target, project)


def _named(checkout: Checkout, ref: str) -> str | None:
    """The commit of a full name; None where there is none of exactly that."""
    if not NUMBER.fullmatch(ref):
        exactly = ask_checkout(checkout, "show-ref", "--verify", "--hash", "--", ref)
        ref = (exactly or b"").decode().strip()
    peel = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    answer = ask_checkout(checkout, *peel)
    return answer.decode().strip() if answer else None


def _committed(
    checkout: Checkout, commit: str, folder: Path | None, here: Path
) -> tuple[dict[str, bytes], Path]:
    """The files of the environments in a commit, and the project that they are for."""
    if folder is not None:
        place = here / folder.name
        return _files(checkout, commit, place), here
    for project in (here, *here.parents):
        if not project.is_relative_to(checkout.top):
            break
        files = _files(checkout, commit, project / FOLDER)
        if any(name.endswith(SUFFIXES) for name in files):
            return files, project
    return {}, here


def _files(checkout: Checkout, commit: str, folder: Path) -> dict[str, bytes]:
    """The files of a folder of environments in a commit; links and folders are none."""
    place = folder.relative_to(checkout.top).as_posix()
    listed = ask_checkout(checkout, "ls-tree", "-z", "--full-tree", f"{commit}:{place}") or b""
    files: dict[str, bytes] = {}
    for entry in filter(None, listed.split(b"\0")):
        about, _, raw = entry.partition(b"\t")
        mode, _, blob = about.decode().split(" ")
        name = os.fsdecode(raw)
        if mode in ORDINARY and (name.endswith(SUFFIXES) or name in SIGNERS):
            files[name] = ask_checkout(checkout, "cat-file", "blob", blob) or b""
    return files
