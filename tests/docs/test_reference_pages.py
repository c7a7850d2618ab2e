"""The pages of the reference that are made from the code are what the code says."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.docs.page import DOCS


def test_the_pages_of_the_reference_are_current() -> None:
    command = [sys.executable, "-X", "utf8", "scripts/reference_pages.py", "--print"]
    done = subprocess.run(command, cwd=DOCS.parent, capture_output=True, check=True, encoding="utf-8")
    for name, text in json.loads(done.stdout).items():
        written = (DOCS / "reference" / name).read_text(encoding="utf-8")
        assert written == text, f"{name}: make reference writes it anew"
