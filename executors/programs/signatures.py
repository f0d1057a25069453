"""Signatures of texts by SSH keys, made and verified by `ssh-keygen -Y` of OpenSSH.

Decides nothing: who must sign what, and what a signature is good for, is the caller's matter.
https://man.openbsd.org/ssh-keygen#ALLOWED_SIGNERS
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from lockgate.executors.programs.program import find_program
from lockgate.planner.errors import BadSignature, Fault, UsageError
from lockgate.planner.project import refuse_outward_link
from lockgate.planner.value import frozen

PROGRAM = "ssh-keygen"
ALLOWED = "allowed_signers"
REVOKED = "revoked_keys"
LONGEST = 60.0
"""Seconds for one verification; it needs some milliseconds."""

LARGEST = 64 * 1024
"""Bytes of a signature's file; one has some hundred."""
CERTIFICATE = b"-cert-v01@openssh.com"
FIELDS = {
    b"ssh-ed25519": 1,
    b"ssh-rsa": 2,
    b"ecdsa-sha2-nistp256": 2,
    b"ecdsa-sha2-nistp384": 2,
    b"ecdsa-sha2-nistp521": 2,
    b"sk-ssh-ed25519": 2,
    b"sk-ecdsa-sha2-nistp256": 3,
}
"""How many parts of a public key are the key; in a certificate its own follow."""

# A date in allowed_signers that names no time zone is UTC, wherever the machine is.
VERIFYING = {"TZ": "UTC0", "LC_ALL": "C"}

# How ssh-keygen tells, on stderr, why it finds no signer.
UNFOUND: Sequence[tuple[str, Fault]] = (
    ("key has expired", "expired"),
    ("key is not yet valid", "not yet valid"),
    ("parse signature", "broken"),
    ("sig_find_principals", "broken"),
    ("", "unknown"),
)
# How it tells why the signature of a signer that it has found is not good.
UNVERIFIED: Sequence[tuple[str, Fault]] = (
    ("incorrect signature", "altered"),
    ("namespace does not match", "namespace"),
    ("not permitted for use in signature namespace", "namespace"),
    ("", "broken"),
)


@frozen
class AllowedSigners:
    """The file that says whose keys are trusted, and the file of the keys that no longer are.

    `revoked` is None when there is no such file.
    """

    path: Path
    revoked: Path | None = None


def find_allowed_signers(directory: Path) -> AllowedSigners:
    """The files `allowed_signers` and `revoked_keys` of a folder of environments.

    Raises:
        UsageError: one is a link that leads out of the project.
    """
    revoked = directory / REVOKED
    for file in (directory / ALLOWED, revoked):
        refuse_outward_link(file)
    is_there = revoked.exists() or revoked.is_symlink()
    return AllowedSigners(directory / ALLOWED, revoked if is_there else None)


def read_signature(path: Path) -> str:
    """The text of a signature's file: a regular one, of no more than `LARGEST` bytes.

    Raises:
        BadSignature: it is no such file, or cannot be read.
    """
    refuse_outward_link(path)
    try:
        # Without waiting: a pipe without a writer would be waited for, with the lock held.
        with open(path, "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise BadSignature("broken", f"{path} is no regular file.", do=ASK)
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise BadSignature("broken", f"{path} cannot be read: {error.strerror}.", do=ASK) from error
    if len(data) > LARGEST:
        raise BadSignature("broken", f"{path} has more than {LARGEST:,} bytes.", do=ASK)
    return data.decode("utf-8", "replace")


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def find_key(signature: str) -> str:
    """What tells the key of a signature from every other key, with a certificate or without; empty
    where it is no signature.

    https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.sshsig
    https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.certkeys
    """
    lines = [line for line in signature.split("\n") if line and not line.startswith("-----")]
    try:
        blob = base64.b64decode("".join(lines), validate=True)
        key = next(_strings(blob[len(b"SSHSIG") + 4 :]))
        kind, *fields = _strings(key, most=6)
    except (ValueError, StopIteration):
        return ""
    own = fields[1:] if kind.endswith(CERTIFICATE) else fields  # a certificate's nonce
    base = kind.removesuffix(CERTIFICATE).removesuffix(b"@openssh.com")
    return hashlib.sha256(b"".join((base, *own[: FIELDS.get(base, len(own))]))).hexdigest()


def _strings(data: bytes, most: int = 1) -> Iterator[bytes]:
    """The first strings of a text of SSH's, each after its length."""
    for _ in range(most):
        if len(data) < 4:
            return
        length = int.from_bytes(data[:4])
        yield data[4 : 4 + length]
        data = data[4 + length :]


def sign(message: bytes, key: Path, namespace: str) -> str:
    """The armoured signature of a message.

    `key` is a private key, or a public one whose private half the ssh-agent has. ssh-keygen asks
    for a passphrase where the process has a terminal.

    Raises:
        UsageError: it cannot be signed with this key, or there is no ssh-keygen.
    """
    command = [_program(), "-q", "-Y", "sign", "-f", str(key), "-n", namespace]
    ended = subprocess.run(command, input=message, capture_output=True, check=False)
    if ended.returncode or not ended.stdout:
        raise UsageError(
            f"Nothing was signed with the key {key}.",
            why=_words(ended),
            do="Name a key that can be read: `--key FILE`. Where its passphrase cannot be typed, "
            "load it into the ssh-agent first: `ssh-add FILE`.",
        )
    return ended.stdout.decode("ascii")


def verify_signature(
    message: bytes,
    signature: str,
    allowed: AllowedSigners,
    namespace: str,
    now: datetime,
    name: str = "the signature",
) -> str:
    """The signer, as `allowed_signers` names the key that made this signature of the message; a
    key under several names has the first of them.

    Raises:
        As `find_names`.
    """
    return find_names(message, signature, allowed, namespace, now, name)[0]


def find_names(
    message: bytes,
    signature: str,
    allowed: AllowedSigners,
    namespace: str,
    now: datetime,
    name: str = "the signature",
) -> tuple[str, ...]:
    """All names that `allowed_signers` has for the key that made this signature of the message, on
    one line or on several.

    `now` is when the key must be valid; `name` says in errors which signature it is.

    Raises:
        BadSignature: with the reason.
        UsageError: there is no ssh-keygen.
    """
    if not allowed.path.is_file():
        raise _bad("unverifiable", name, f"There is no {allowed.path}.")
    with TemporaryDirectory() as folder:
        file = Path(folder, "signature")
        file.write_text(signature, encoding="utf-8")
        given = ["-f", str(allowed.path), "-s", str(file), f"-Overify-time={_time(now)}"]
        found = _run(["-Y", "find-principals", *given])
        if found.returncode:
            raise _bad(_fault(found, UNFOUND), name, _words(found))
        lines = found.stdout.decode("utf-8", "replace").splitlines()
        names = tuple(each for line in lines for each in line.split(",") if each)
        given += ["-I", names[0], "-n", namespace]
        _refuse_bad(message, given, allowed, name)
    return names


def _refuse_bad(message: bytes, given: list[str], allowed: AllowedSigners, name: str) -> None:
    verified = _run(["-Y", "verify", *given], message)
    if verified.returncode:
        raise _bad(_fault(verified, UNVERIFIED), name, _words(verified))
    if allowed.revoked is None:
        return
    if not allowed.revoked.is_file():
        raise _bad("revoked", name, f"{allowed.revoked} leads to no file, and revokes every key.")
    # ssh-keygen does not say that it refuses a key for being revoked: hence two runs.
    again = _run(["-Y", "verify", *given, "-r", str(allowed.revoked)], message)
    if again.returncode:
        raise _bad("revoked", name, _words(again))


def _fault(ended: subprocess.CompletedProcess[bytes], told: Sequence[tuple[str, Fault]]) -> Fault:
    words = ended.stderr.decode("utf-8", "replace")
    return next(fault for part, fault in told if part in words)


def _bad(fault: Fault, name: str, words: str) -> BadSignature:
    what, do = FAULTS[fault]
    return BadSignature(fault, f"{name} {what}.", why=words, do=do)


def _words(ended: subprocess.CompletedProcess[bytes]) -> str:
    text = " ".join(ended.stderr.decode("utf-8", "replace").split())
    return f"{PROGRAM} says: {text}" if text else ""


def _time(now: datetime) -> str:
    """As ssh-keygen takes it; older ones than 9.1 know no time zone there."""
    return f"{now.astimezone(UTC):%Y%m%d%H%M%S}"


def _run(arguments: list[str], message: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [_program(), *arguments]
    try:
        return subprocess.run(
            command, input=message, env=VERIFYING, capture_output=True, timeout=LONGEST, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{PROGRAM} failed: {error}", why="A signature is unverified.") from error


def _program() -> str:
    found = find_program(PROGRAM)
    if found is None:
        raise UsageError(
            f"{PROGRAM} is not installed.",
            why="It signs, and it verifies signatures.",
            do="Install OpenSSH's client, 8.8 or later: the package openssh-client (Debian, "
            "Ubuntu), openssh-clients (Fedora, RHEL) or openssh-keygen (Alpine).",
        )
    return found


ASK = "Ask its signer for a new one."
FAULTS: Mapping[Fault, tuple[str, str]] = {
    "altered": (
        "does not fit what it should sign: that was changed, or it is the signature of "
        "something else",
        "Remove the file, and let its signer sign again.",
    ),
    "broken": ("is no whole SSH signature", ASK),
    "unknown": (
        f"was made with a key that {ALLOWED} does not know",
        f"Add the signer's public key to {ALLOWED}, if it is to be trusted.",
    ),
    "expired": (
        "was made with a key that has expired",
        f"Sign with the key that is valid now, and name it in {ALLOWED}.",
    ),
    "not yet valid": (
        "was made with a key that is not yet valid",
        f"Wait until it is, or sign with another key of {ALLOWED}.",
    ),
    "revoked": (
        f"was made with a key that {REVOKED} revokes",
        f"Sign with another key. A {REVOKED} that cannot be read revokes every key.",
    ),
    "namespace": (
        "was made for another purpose, or with a key that may not sign for this one",
        f"Look at `namespaces=` in {ALLOWED}.",
    ),
    "unverifiable": (
        "cannot be verified",
        f"Write whose keys are trusted into {ALLOWED}, beside the environments.",
    ),
}
"""What each fault is, and what to do about it."""
