"""Questions to the logs of real services, over restarts and rotations; cursors, and files that are gone."""

from __future__ import annotations

import json
import re
import shlex
import subprocess

from sentinel_tasks.logs.reader import LONGEST_LINE
from tests.lab import SENTINEL, Lab, until

WEB = r"""
printf 'INFO one\nERROR it failed\nCaused by: x\n  at y\nINFO two\n'
printf '\033[31mWARN\033[0m red\nhalf'; exec sleep 600
"""
WORKER = """
echo '{"level": 50, "msg": "broken", "job": {"id": 42}}'; seq -f 'level=info n=%.0f' 1 6000; exec sleep 600
"""


def test_logs_of_several_services_answer_questions(lab: Lab) -> None:
    (lab.path / "tasks.py").write_text(
        "from sentinel_tasks import service, workspace\nnamespace = workspace(service('web'), service('worker'))\n"
    )
    lab.configure(web={"command": WEB}, worker={"command": WORKER, "log_max_mb": 0.05})
    assert lab.inv("up").code == 0
    last = (("worker", "n=6000$"), ("web", "half"))
    until(lambda: all(lab.sentinel("logs", name, "--grep", line).out for name, line in last), "the last lines")

    warned = lab.sentinel("logs", "--level", "warn").out.splitlines()
    broken = 'worker | {"level": 50, "msg": "broken", "job": {"id": 42}}'
    assert warned.count(broken) == 1  # whichever of the two services prints first
    assert [line for line in warned if line != broken] == [
        "web    | ERROR it failed", "web    | Caused by: x", "web    |   at y", "web    | WARN red", "web    | half",
    ]  # fmt: skip
    found = lab.sentinel(
        "logs", "worker", "--field", "n=3333", "--field", "level=info", "--since", "10m", "--timestamps"
    )
    assert re.fullmatch(r"\S+T\S+ level=info n=3333\n", found.out)
    assert lab.sentinel("logs", "worker", "--grep", "^level=info n=....$", "-v", "-n", "1").out == "level=info n=999\n"
    (stats,) = lab.sentinel("logs", "worker", "--stats", "--json").json["stats"]
    assert (stats["lines"], stats["levels"]["info"], stats["levels"]["error"]) == (6_001, 6_000, 1)
    assert "app/web" in lab.sentinel("logs", "--all", "--grep", "it failed").out

    first = lab.sentinel("logs", "--json", "--lines", "1").json
    assert sorted(line.partition(":")[0] for line in first["lines"]) == ["web", "worker"]
    assert lab.inv("web.restart").code == 0
    until(lambda: "two" in lab.sentinel("logs", "web", "--cursor", first["cursor"]).out, "what the second run prints")
    more = lab.sentinel("logs", "--json", "--cursor", first["cursor"]).json["lines"]
    assert more[:2] == ["web: half", "web: INFO one"]
    assert lab.sentinel("logs", "web", "--cursor", "abc").code == 2
    (log,) = lab.state("web.log")
    log.unlink()
    gone = lab.sentinel("logs", "web", "--cursor", first["cursor"])
    assert (gone.code, "was removed or emptied" in gone.err) == (2, True), gone.said


MOST = 90000
"""KiB of address space, of which Python with all that it imports takes two thirds."""


def test_long_line_is_told_whole_as_json_in_bounded_memory(lab: Lab) -> None:
    """495 MB of memory were needed for a line of 120 MB as JSON."""
    lab.configure(telemetry={"command": "echo before", "health": "exit", "port": None})
    assert lab.inv("telemetry.activate").code == 0
    until(lambda: any(" end " in path.read_text() for path in lab.state("telemetry.log.runs")), "the end of its log")
    (log,) = lab.state("telemetry.log")
    parts, longest = 24, LONGEST_LINE - 1
    log.write_bytes(b"before\n" + b"x" * longest * parts + b"\nbehind\n")
    asked = shlex.join([SENTINEL, "logs", "telemetry", "--lines", "100", "--json"])
    done = subprocess.run(
        ["sh", "-c", f"ulimit -v {MOST}; exec {asked}"], cwd=lab.path, env=lab.environ, stdin=subprocess.DEVNULL,
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = json.loads(done.stdout)["lines"]
    assert (lines[0], lines[-1], [len(line) for line in lines[1:-1]]) == ("before", "behind", [longest] * parts)
