"""How msgspec is imported without what it does not need."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import sys
{before}
from sentinel_tasks.verbs.boundary import import_msgspec
import_msgspec()
print(sorted({{"platform", "typing_extensions"}} & sys.modules.keys()))
import platform, uuid
print(platform.python_version() == sys.version.split()[0], uuid.uuid4() != uuid.uuid4())
"""


@pytest.mark.parametrize(("before", "found"), [("", "[]"), ("import platform", "['platform']")])
def test_what_stands_in_for_a_module_is_gone_afterwards(before: str, found: str) -> None:
    command = [sys.executable, "-c", CODE.format(before=before)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [found, "True True"]
