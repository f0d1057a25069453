"""Signatures by real keys: what is good, and each way of being bad, told apart."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lockgate.executors.programs.signatures import (
    AllowedSigners,
    find_allowed_signers,
    sign,
    verify_signature,
)
from lockgate.planner.errors import BadSignature, UsageError
from tests.servers.openssh import Person, new_person

pytestmark = pytest.mark.usefixtures("openssh")

MESSAGE = b"what is signed\n"
SPACE = "lockgate-plan"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def alice(tmp_path: Path) -> Person:
    return new_person(tmp_path / "keys", "alice@example.com")


def trust(folder: Path, *lines: str) -> AllowedSigners:
    (folder / "allowed_signers").write_text("".join(lines))
    return find_allowed_signers(folder)


def fault(signature: str, allowed: AllowedSigners, *, message: bytes = MESSAGE) -> str:
    with pytest.raises(BadSignature, match=r"^s\.sig ") as caught:
        verify_signature(message, signature, allowed, SPACE, NOW, "s.sig")
    assert caught.value.do
    return caught.value.fault


def test_a_good_signature_names_its_signer(tmp_path: Path, alice: Person) -> None:
    bob = new_person(tmp_path / "keys", "bob")
    allowed = trust(tmp_path, "# people\n", bob.line(), alice.line())
    signature = sign(MESSAGE, alice.key, SPACE)
    assert signature.startswith("-----BEGIN SSH SIGNATURE-----\n")
    assert verify_signature(MESSAGE, signature, allowed, SPACE, NOW) == "alice@example.com"


def test_plain_ssh_keygen_verifies_it(tmp_path: Path, alice: Person) -> None:
    allowed = trust(tmp_path, alice.line())
    (tmp_path / "s.sig").write_text(sign(MESSAGE, alice.key, SPACE))
    subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-f", str(allowed.path), "-I", alice.name, "-n", SPACE,
         "-s", str(tmp_path / "s.sig")],
        input=MESSAGE, check=True,
    )  # fmt: skip


def test_another_text_and_another_signature_are_altered(tmp_path: Path, alice: Person) -> None:
    allowed = trust(tmp_path, alice.line())
    assert fault(sign(MESSAGE, alice.key, SPACE), allowed, message=b"other\n") == "altered"
    assert fault(sign(b"other\n", alice.key, SPACE), allowed) == "altered"


def test_a_key_that_nobody_vouches_for_is_unknown(tmp_path: Path, alice: Person) -> None:
    mallory = new_person(tmp_path / "keys", "mallory")
    signature = sign(MESSAGE, mallory.key, SPACE)
    assert fault(signature, trust(tmp_path, alice.line())) == "unknown"
    assert fault(signature, trust(tmp_path)) == "unknown"
    assert fault(signature, trust(tmp_path, "no line of this format\n")) == "unknown"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ('valid-before="20261123115959"', "expired"),
        ('valid-before="20261123115959Z"', "expired"),
        ('valid-after="20261123120001"', "not yet valid"),
        ('namespaces="git"', "namespace"),
    ],
)
def test_a_key_counts_only_as_its_line_says(
    tmp_path: Path, alice: Person, options: str, expected: str
) -> None:
    signature = sign(MESSAGE, alice.key, SPACE)
    assert fault(signature, trust(tmp_path, alice.line(options))) == expected


@pytest.mark.parametrize(
    "options",
    [
        'valid-after="20261123120000",valid-before="20261123120001"',
        'namespaces="git,lockgate-*"',
    ],
)
def test_a_key_counts_where_its_line_lets_it(tmp_path: Path, alice: Person, options: str) -> None:
    allowed = trust(tmp_path, alice.line(options))
    assert (
        verify_signature(MESSAGE, sign(MESSAGE, alice.key, SPACE), allowed, SPACE, NOW)
        == alice.name
    )


def test_a_line_that_has_expired_does_not_spoil_one_that_is_valid(
    tmp_path: Path, alice: Person
) -> None:
    allowed = trust(tmp_path, alice.line('valid-before="20200101"'), alice.line())
    assert (
        verify_signature(MESSAGE, sign(MESSAGE, alice.key, SPACE), allowed, SPACE, NOW)
        == alice.name
    )


def test_a_signature_for_another_purpose_is_refused(tmp_path: Path, alice: Person) -> None:
    assert fault(sign(MESSAGE, alice.key, "git"), trust(tmp_path, alice.line())) == "namespace"


def test_a_revoked_key_is_refused_and_the_others_are_not(tmp_path: Path, alice: Person) -> None:
    bob = new_person(tmp_path / "keys", "bob")
    (tmp_path / "revoked_keys").write_text(f"# lost\n{bob.public}\n")
    allowed = trust(tmp_path, alice.line(), bob.line())
    assert (
        verify_signature(MESSAGE, sign(MESSAGE, alice.key, SPACE), allowed, SPACE, NOW)
        == alice.name
    )
    assert fault(sign(MESSAGE, bob.key, SPACE), allowed) == "revoked"


def test_revocations_that_cannot_be_read_revoke_everything(tmp_path: Path, alice: Person) -> None:
    (tmp_path / "revoked_keys").write_text("garbage\n")
    allowed = trust(tmp_path, alice.line())
    assert fault(sign(MESSAGE, alice.key, SPACE), allowed) == "revoked"


def test_what_is_no_signature_is_broken(tmp_path: Path, alice: Person) -> None:
    allowed = trust(tmp_path, alice.line())
    good = sign(MESSAGE, alice.key, SPACE)
    lines = good.splitlines(keepends=True)
    cut = "".join(lines[:3])
    damaged = good.replace("U1NIU0lH", "U1NIU0lI")
    shorter = "".join((*lines[:3], *lines[4:]))
    for text in ("", "hello\n", "-----BEGIN SSH SIGNATURE-----\n", cut, damaged, shorter, "\x00ü"):
        assert fault(text, allowed) == "broken", text


def test_nothing_is_verified_without_allowed_signers(tmp_path: Path, alice: Person) -> None:
    signature = sign(MESSAGE, alice.key, SPACE)
    assert fault(signature, find_allowed_signers(tmp_path)) == "unverifiable"


def test_a_certificate_speaks_for_its_principals(tmp_path: Path, alice: Person) -> None:
    authority = new_person(tmp_path / "keys", "authority")
    command = ["ssh-keygen", "-q", "-s", str(authority.key), "-I", "id", "-n", alice.name]
    subprocess.run([*command, str(alice.public_key)], check=True)
    certificate = Path(f"{alice.key}-cert.pub")
    signature = sign(MESSAGE, certificate, SPACE)
    allowed = trust(tmp_path, f"*@example.com cert-authority {authority.public}\n")
    assert verify_signature(MESSAGE, signature, allowed, SPACE, NOW) == alice.name


def test_a_key_that_cannot_sign_is_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no key\n")
    for key in (tmp_path / "nowhere", tmp_path / "text", tmp_path):
        with pytest.raises(UsageError, match="Nothing was signed with the key") as caught:
            sign(MESSAGE, key, SPACE)
        assert "ssh-add" in caught.value.do
