"""What more than one live test may use."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import until
from tests.somebody import Somebody, program


@pytest.fixture
def somebody() -> Iterator[Somebody]:
    if os.getuid() or not all(map(program, ("useradd", "userdel", "setpriv"))):
        pytest.skip("needs root, useradd, userdel and setpriv")
    name = f"sentinel-test-{os.urandom(4).hex()}"
    subprocess.run([program("useradd"), "--no-create-home", "--shell", "/usr/sbin/nologin", name], check=True)
    folder = Path(tempfile.mkdtemp(prefix="sentinel-user-"))
    try:
        made = Somebody(folder, pwd.getpwnam(name))
        if not made.python:
            pytest.skip("no Python with these packages that another user may run")
        yield made
        made.run("tmux", "kill-server")
        until(lambda: not made.is_running(), "the end of what ran")  # it writes to the folder until then
    finally:
        subprocess.run([program("userdel"), "--force", name], check=True, capture_output=True)
        shutil.rmtree(folder)
