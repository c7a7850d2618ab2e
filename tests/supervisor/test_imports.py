"""Two processes of ours run beside every service for as long as it does: what they never load (issue 13, Scale)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from sentinel_tasks.lineage import proc
from sentinel_tasks.system.inherited import inherited

from .launched import READY, SCRIPT, Piped

HEAVY = {
    "collections", "contextlib", "ctypes", "dataclasses", "enum", "functools", "json", "re", "signal", "socket",
    "subprocess", "threading", "typing", "warnings",
}  # fmt: skip
"""Some of them were 2 of the 5.7 MB of every launcher; one loads most others."""
FOLDER = Path(SCRIPT).parents[2]
TELLING = "; print('loaded', *sys.modules, end=' .')"
WHOLE_LIFE = f"import sys, os; sys.path.append({str(FOLDER)!r}); import sentinel_tasks.supervisor."
PYTHON = (sys.executable, "-I", "-S", "-X", "utf8", "-c")


class Telling(Piped):
    """A launcher that tells at its end what it has loaded."""

    @property
    def argv(self) -> list[str]:
        code = f"{WHOLE_LIFE}launcher as it; it.main(*sys.argv[2:]){TELLING}"
        return [*PYTHON, code, *super().argv[5:]]


def heavy(said: bytes) -> set[str]:
    """Those that were loaded of what is heavy."""
    loaded = said.decode().rpartition("loaded ")[2].split()
    assert "os" in loaded
    return HEAVY & {*loaded}


def test_launcher_loads_nothing_heavy_until_its_end_whatever_its_service_has(tmp_path: Path) -> None:
    launched = Telling(tmp_path)
    try:
        launched.give(f"trap 'exit 3' INT; {READY}while :; do sleep 0.02; done", **everything(tmp_path))
        launched.wait_for(b"ready")
        os.killpg(launched.pid, signal.SIGINT)
        launched.end()
        assert launched.told.exit_code == 3
        assert heavy(launched.said) == set()
    finally:
        launched.close()


def everything(folder: Path) -> dict[str, Any]:
    """What the specification of a service may tell, as far as a launcher does something else for it."""
    caller = proc.one(os.getpid())
    assert caller
    leased = {"lease": str(folder / "web.lease"), "leases": [[caller.pid, caller.ticks, None]]}
    asked = {"command": "true", "interval": 0.1, "timeout": 60.0, "retries": 3, "grace": 60.0}
    reserved = [f"sentinel-test-{os.urandom(4).hex()}"]
    watched = {"orders": str(folder / "web.orders"), "restart_with": ["db"], "needs": ["db"], "waits_for_change": False}
    of_the_system = {"inherited": inherited(), "nofile": 256, "memory": 1 << 30, "detached": "leave"}
    told = {"notify": True, "watchdog": 60.0, "hooks": {"stop": "true"}, "hook_seconds": 60.0}
    return {**leased, "liveness": asked, "reservations": reserved, "port": 4321, **watched, **of_the_system, **told}


def test_log_pump_loads_nothing_heavy_until_its_end(tmp_path: Path) -> None:
    code = f"{WHOLE_LIFE}capture as it; it.main(*sys.argv[1:]){TELLING}"
    words = [*PYTHON, code, str(tmp_path / "web.log"), "10", "1", str(os.getpid())]
    done = subprocess.run(words, input=b"one\ntwo\nthree\nfour\n", capture_output=True, check=True)
    assert (tmp_path / "web.log.1").exists()
    assert heavy(done.stdout) == set()
