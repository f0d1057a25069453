"""A real browser for the views: Debian's chromium, unpacked into the cache, driven by Playwright.

It must not install anything, and nothing that it opens reaches a network.
"""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

from tests.real.fetch import npm, run
from tests.servers.fetch import cached, machine_suite, unpacked

AXE = "4.14.1"
PACKAGES = ("chromium", "fonts-dejavu-core", "fonts-liberation")
LIBRARIES = ("lib/*-linux-gnu", "usr/lib/*-linux-gnu", "usr/lib/*-linux-gnu/pulseaudio")
FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless chromium with the same fonts on every machine.

    Raises:
        ServerUnavailable: it cannot be fetched from the machine's Debian mirror.
    """
    root = unpacked("chromium", PACKAGES, machine_suite())
    libraries = [folder for pattern in LIBRARIES for folder in root.glob(pattern)]
    with TemporaryDirectory(prefix="lockgate-browser-") as home, sync_playwright() as playwright:
        fonts = Path(home, "fonts.conf")
        fonts.write_text(FONTS.format(fonts=root / "usr/share/fonts", cache=home))
        browser = playwright.chromium.launch(
            executable_path=root / "usr/lib/chromium/chromium",
            env={
                "HOME": home,
                "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
                "FONTCONFIG_FILE": str(fonts),
            },
        )
        yield browser
        browser.close()


def axe_source() -> str:
    """The script of axe-core, which finds what people with disabilities cannot use.

    Raises:
        FetchError: npm is not there, or cannot download it.
    """
    return (cached(f"axe-core-{AXE}", _fill_axe) / "axe.min.js").read_text(encoding="utf-8")


def _fill_axe(folder: Path) -> None:
    with TemporaryDirectory() as scratch:
        run([*npm(), "pack", "--pack-destination", scratch, f"axe-core@{AXE}"])
        (archive,) = Path(scratch).glob("*.tgz")
        with tarfile.open(archive) as content:
            file = content.extractfile("package/axe.min.js")
            assert file
            (folder / "axe.min.js").write_bytes(file.read())
