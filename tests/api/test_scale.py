"""Workers of the configured command."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.api.conftest import RunningApi, Start
from tests.lab import lives, until

SLEEP = json.dumps(["sleep", "60"])
REPORT = """
from sentinel_tasks.api.client import report
import time
while not report(status="working", current_job="x"):
    time.sleep(0.1)
time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
time.sleep(60)
"""


def scale(api: RunningApi, count: object) -> tuple[int, dict[str, object]]:
    answer = api.http.post("/api/workers/scale", json={"count": count})
    return answer.status_code, answer.json()


def test_up_and_down_are_true_when_they_return(start: Start) -> None:
    api = start(SENTINEL_WORKER_COMMAND=SLEEP)
    assert scale(api, 3) == (200, {"created": 3, "terminated": 0})
    workers = api.workers()
    assert len(workers) == 3
    assert {worker["service"] for worker in workers.values()} == {"telemetry"}
    assert scale(api, 1) == (200, {"created": 0, "terminated": 2})
    left = set(api.workers())
    assert left < set(workers)
    gone = [worker["pid"] for key, worker in workers.items() if key not in left]
    assert not any(lives(pid) for pid in gone)
    assert scale(api, 1) == (200, {"created": 0, "terminated": 0})


def test_a_shell_line_is_one_worker_and_ends_whole(start: Start) -> None:
    api = start(SENTINEL_WORKER_COMMAND=json.dumps("sleep 60 & sleep 61; true"))
    scale(api, 1)
    (worker,) = api.workers().values()
    until(lambda: len(psutil.Process(worker["pid"]).children()) == 2)
    children = psutil.Process(worker["pid"]).children()
    scale(api, 0)
    assert not any(lives(child.pid) for child in children)


def test_a_persons_tmux_server_below_a_worker_lives(start: Start, tmp_path: Path) -> None:
    tmux = f"tmux -S {tmp_path}/precious -f /dev/null"
    api = start(SENTINEL_WORKER_COMMAND=json.dumps(f"{tmux} new-session -d -s precious sleep 600; exec sleep 60"))
    scale(api, 1)
    until(lambda: subprocess.run([*tmux.split(), "has-session"], capture_output=True, check=False).returncode == 0)
    assert scale(api, 0) == (200, {"created": 0, "terminated": 1})
    subprocess.run([*tmux.split(), "kill-server"], check=True)


def test_a_command_that_drops_its_environment_is_counted(start: Start) -> None:
    api = start(SENTINEL_WORKER_COMMAND=json.dumps(["env", "-i", "sleep", "60"]))
    assert scale(api, 1) == (200, {"created": 1, "terminated": 0})
    assert scale(api, 1) == (200, {"created": 0, "terminated": 0})
    assert len(api.workers()) == 1


def test_each_worker_can_report_itself(start: Start) -> None:
    command = json.dumps([sys.executable, "-c", REPORT])
    api = start(SENTINEL_WORKER_COMMAND=command, TES_DEV_TOKEN="t")
    api.http.headers["X-TES-Dev-Token"] = "t"
    scale(api, 2)
    until(lambda: [worker["current_job"] for worker in api.workers().values()] == ["x", "x"])
    until(lambda: all(worker["resource_usage"]["rss_mb"] > 1 for worker in api.workers().values()))


def test_a_worker_that_crashes_says_how(start: Start) -> None:
    api = start(SENTINEL_WORKER_COMMAND=json.dumps("exit 3"))
    scale(api, 1)
    until(lambda: [worker["last_error"] for worker in api.workers().values()] == ["exited with code 3"])
    assert scale(api, 1)[1] == {"created": 1, "terminated": 0}


def test_a_wrong_count_is_a_400(start: Start) -> None:
    api = start(SENTINEL_WORKER_COMMAND=SLEEP)
    for count in (-1, 65, 10**9, "x", None, 1.5, True):
        status, answer = scale(api, count)
        assert (status, list(answer), count) == (400, ["error"], count)
        assert api.workers() == {}, count


def test_no_request_starts_what_is_not_configured(api: RunningApi) -> None:
    assert scale(api, 1) == (409, {"error": "no worker_command is configured"})
    answer = api.http.post("/api/workers/scale", json={"count": 1, "command": "sleep 60"})
    assert answer.status_code == 400


def test_a_command_that_cannot_be_started_is_told(start: Start) -> None:
    status, answer = scale(start(SENTINEL_WORKER_COMMAND='["no-such-command"]'), 1)
    assert status == 409
    assert "no-such-command" in str(answer["error"])


def test_workers_end_with_the_api_even_stubborn_ones(start: Start) -> None:
    api = start(SENTINEL_WORKER_COMMAND=json.dumps([sys.executable, "-c", STUBBORN]))
    scale(api, 1)
    (worker,) = api.workers().values()
    until(lambda: _ignores_term(worker["pid"]))
    assert api.end() == 0
    assert not lives(worker["pid"])


def _ignores_term(pid: int) -> bool:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigIgn"))
    return bool(int(line.split()[1], 16) & (1 << (signal.SIGTERM - 1)))


def test_workers_of_an_api_that_was_killed_are_found_again(start: Start) -> None:
    first = start(SENTINEL_WORKER_COMMAND=SLEEP, by_itself=True)
    scale(first, 2)
    orphans = set(first.workers())
    first.end(signal.SIGKILL)
    second = start(SENTINEL_WORKER_COMMAND=SLEEP, by_itself=True)
    assert set(second.workers()) == orphans
    assert scale(second, 0) == (200, {"created": 0, "terminated": 2})
    assert second.workers() == {}
