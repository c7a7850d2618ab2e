"""The page of the configuration's keys is what the code says."""

from __future__ import annotations

import subprocess
import sys

from tests.docs.page import DOCS


def test_the_page_of_the_keys_is_current() -> None:
    written = (DOCS / "reference" / "configuration.md").read_text(encoding="utf-8")
    program = "import configuration_page; print(configuration_page.page(), end='')"
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", program],
        cwd=DOCS.parent / "scripts",
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    assert done.stdout == written, "make schema writes it anew"
