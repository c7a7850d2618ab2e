"""What a service may use, as a person meets it."""

from __future__ import annotations

import shlex
import sys

import psutil

from tests.lab import Lab, until

TOO_MUCH = "import os, time; open('pid', 'w').write(str(os.getpid())); kept = b'x' * 45 * 1024**2; time.sleep(600)"


def test_a_command_beside_a_service_has_its_limits_with_all_that_it_starts(lab: Lab) -> None:
    limits = {"memory": "40M", "nofile": 99}
    lab.configure(dev={"command": "sleep 600", "port": None, "health": None, "limits": limits})
    hungry = shlex.join([sys.executable, "-c", TOO_MUCH])
    told = lab.inv("run", "dev", "--", "sh", "-c", f"{hungry} & wait")
    assert (told.code, "sh was ended: it used" in told.err) == (1, True), told.said
    assert "more than its memory limit of 40 MiB" in told.err
    until(lambda: not psutil.pid_exists(int((lab.path / "pid").read_text())))
    ended = lab.inv("run", "dev", "--", "sh", "-c", "ulimit -n; ulimit -Hn; exit 4")
    assert (ended.code, ended.out) == (4, "99\n99\n")
