"""What was written as JSON is read on many threads at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import sentinel_tasks

FIRST_ON_MANY_THREADS = """
import sys, threading
from sentinel_tasks.model import Run
from sentinel_tasks.system.decoding import from_json
sys.setswitchinterval(1e-6)
ready = threading.Barrier(16)
found = []

def ask():
    ready.wait()
    found.append(from_json(b'{"launch": "a", "launcher": 1, "family": [[1, 2]]}', Run).launch)

threads = [threading.Thread(target=ask) for _ in range(16)]
for each in threads:
    each.start()
for each in threads:
    each.join()
print(len(found))
"""


def test_the_first_look_on_many_threads_ends_no_task() -> None:
    """Once in some hundred times `ps` ended without a word: a segmentation fault in msgspec, one of ten in this way."""
    environ = {"PYTHONPATH": str(Path(sentinel_tasks.__file__).parent.parent)}
    asked = [
        subprocess.Popen([sys.executable, "-c", FIRST_ON_MANY_THREADS], env=environ, stdout=subprocess.PIPE)
        for _ in range(8)
    ]
    assert [each.communicate()[0] for each in asked] == [b"16\n"] * 8
