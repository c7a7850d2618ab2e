"""Every kind of health check of the contract (Configuration), asked of real servers."""

from __future__ import annotations

import json
import re
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

import pexpect
import psutil
import pytest

from tests.lab import INV, LONG, PATIENCE, Lab, Result, on_terminal, until

SHOWS_TOKEN = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("asked for", self.path, "with token", self.headers.get("X-TES-Dev-Token"), flush=True)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *words):
        pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def started(lab: Lab, *words: str, name: str = "telemetry", **keys: object) -> Result:
    """What start says of a server that behaves like this."""
    lab.configure(**{name: {"command": lab.server(*words), "port": lab.port(), **keys}})
    return lab.inv(f"{name}.start", "--json")


def late(lab: Lab, why: str, *words: str, name: str = "telemetry", **keys: object) -> Result:
    """What start says of a server that behaves like this and is not healthy in time, once that is why."""
    lab.configure(**{name: {"command": lab.server(*words), "port": lab.port(), "startup_timeout": 1, **keys}})

    def told() -> Result | None:
        done = lab.inv(f"{name}.start", "--json")
        assert done.code == 1, done.said
        return done if why in done.json["error"] else None

    done: Result = until(told, why)
    assert (done.json["state"], done.json["health"]["ok"]) == ("unhealthy", False), done.said
    return done


# HTTP


@pytest.mark.parametrize(
    ("name", "status", "healthy"),
    [
        ("telemetry", "204", True),
        ("telemetry", "302", False),
        ("dev", "404", True),
    ],
)
def test_telemetry_wants_2xx_and_dev_any_answer_below_500(lab: Lab, name: str, status: str, healthy: bool) -> None:
    if not healthy:
        late(lab, status, "--status", status, name=name)
        return
    done = started(lab, "--status", status, name=name)
    assert (done.code, done.json["health"]["ok"]) == (0, True)
    assert status in done.json["health"]["detail"]


def test_expect_beside_its_path(lab: Lab) -> None:
    health = {"path": "/login", "expect": 401}
    assert started(lab, "--status", "401", health=health).json["state"] == "running"


def test_a_page_that_takes_three_seconds_is_healthy_in_start_and_in_status(lab: Lab) -> None:
    """Each question was broken off after 2 s and begun anew, until the start gave up."""
    done = started(lab, "--answer-after", "3", health={"path": "/", "timeout": PATIENCE})
    assert (done.code, done.json["state"], done.json["health"]["detail"]) == (0, "running", "200")
    told = lab.inv("telemetry.status")
    assert (told.code, "Running on port" in told.out) == (0, True)
    assert f"telemetry: awaiting its health check, for up to {PATIENCE:g} s" in told.err


def test_a_page_slower_than_its_timeout_starts_and_both_tasks_say_what_to_do_about_it(lab: Lab) -> None:
    done = started(lab, "--answer-after", "2", health={"path": "/", "timeout": 0.5})
    assert (done.code, done.json["state"]) == (0, "running")
    took = r"its health check took \d+ s, but status waits 0\.5 s for it: health: {…, timeout: \d+}"
    assert any(re.fullmatch(took, note) for note in done.json["notes"]), done.said
    told = lab.inv("telemetry.status", "--json").json
    assert told["state"] == "unhealthy"
    assert "within 0.5 s" in told["health"]["detail"]


def test_status_says_on_a_terminal_what_it_waits_for(lab: Lab) -> None:
    assert started(lab, "--answer-after", "2", health={"path": "/", "timeout": PATIENCE}).code == 0
    with on_terminal(lab, INV, "telemetry.status") as shown:
        shown.expect(r"telemetry: awaiting its health check [0-9.]+ of 60 s")
        shown.expect("Running on port")
        shown.expect(pexpect.EOF)


def test_ctrl_c_while_status_awaits_a_health_command_ends_it_and_the_command(lab: Lab) -> None:
    health = {"command": f"test -e slow || exit 0; echo $$ >pid; exec sleep {LONG}", "timeout": LONG}
    assert started(lab, health=health).code == 0
    (lab.path / "slow").touch()
    asking = lab.begin("telemetry.status")
    until(lambda: (lab.path / "pid").exists() and (lab.path / "pid").read_text())
    asking.send_signal(signal.SIGINT)
    assert asking.wait(PATIENCE) == 130
    until(lambda: not psutil.pid_exists(int((lab.path / "pid").read_text())))


def test_a_start_that_is_over_ends_the_health_command_that_it_still_asks(lab: Lab) -> None:
    health = {"command": f"echo $$ >>pids; exec sleep {LONG}", "timeout": 0.5}
    late(lab, "the health command has been asked for", health=health)
    until(lambda: not any(map(psutil.pid_exists, map(int, (lab.path / "pids").read_text().split()))))


def test_a_url_is_asked_as_it_is(lab: Lab) -> None:
    port = lab.port()
    done = started(lab, "--port", str(port), port=None, health=f"http://127.0.0.1:{port}/deep/path?x=1")
    assert done.json["state"] == "running"


def test_a_url_that_another_process_answers_proves_nothing(lab: Lab) -> None:
    port = lab.port()
    lab.listen(port, cwd=lab.folder)
    done = started(lab, "--port", str(lab.port()), port=None, health=f"http://127.0.0.1:{port}/")
    assert done.code == 4, done.said
    late(lab, f"does not listen on port {port}, where its health is asked", health=f"http://127.0.0.1:{port}/")


def test_a_url_at_another_port_of_the_service_is_asked(lab: Lab) -> None:
    port, other = lab.port(), lab.port()
    both = f"{shlex.join(lab.server('--port', str(other)))} & exec {shlex.join(lab.server())}"
    lab.configure(telemetry={"command": both, "port": port, "health": f"http://localhost:{other}/"})
    assert lab.inv("telemetry.activate", "--json").json["health"]["ok"] is True


def test_a_server_is_found_on_whatever_address_it_chose(lab: Lab) -> None:
    where = ["127.0.0.1", "127.9.8.7", "::ffff:127.0.0.1", "::1", "::", "0.0.0.0", ":: --only-ipv6"]
    (lab.path / "tasks.py").write_text("from sentinel_tasks import workspace\n\nnamespace = workspace()\n")
    servers = [lab.server("--host", *words.split()) for words in where]
    lab.configure(**{f"s{n}": {"command": each, "port": lab.port(), "health": "/"} for n, each in enumerate(servers)})
    done = lab.inv("up", "--json")
    assert [each["state"] for each in done.json["services"]] == ["running"] * len(where), done.said
    lab.inv("down")


def test_an_answer_on_ipv4_is_not_that_of_a_server_on_ipv6_alone(lab: Lab) -> None:
    port = lab.port()
    late(lab, "HTTP 503", "--host", "::", "--only-ipv6", "--status", "503", port=port)
    lab.listen(port)
    assert lab.inv("telemetry.status", "--json").json["state"] == "conflict"


def test_proxy_variables_are_ignored(lab: Lab) -> None:
    dead = "http://127.0.0.1:9"
    lab.environ |= dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"), dead)
    assert started(lab).json["state"] == "running"


def test_the_token_goes_to_the_services_own_path(lab: Lab) -> None:
    lab.configure(
        telemetry={
            "command": [sys.executable, "-c", SHOWS_TOKEN],
            "port": lab.port(),
            "env": {"TES_DEV_TOKEN": "t0ken"},
        }
    )
    assert lab.inv("telemetry.activate").code == 0
    until(lambda: "asked for /api/workers/registry with token t0ken" in lab.inv("telemetry.logs").out)


def test_the_token_goes_nowhere_else(lab: Lab) -> None:
    port = lab.port()
    url = f"http://127.0.0.1:{port}/elsewhere"
    lab.configure(telemetry={"command": [sys.executable, "-c", SHOWS_TOKEN], "port": port, "health": url})
    assert lab.inv("telemetry.activate", env={"TES_DEV_TOKEN": "t0ken"}).code == 0
    until(lambda: "asked for /elsewhere with token None" in lab.inv("telemetry.logs").out)


# TCP


def test_a_port_that_accepts_is_enough_for_tcp(lab: Lab) -> None:
    done = started(lab, "--hang", health="tcp")
    assert done.json["state"] == "running"
    assert done.json["health"]["detail"] == "the port accepts"


def test_a_service_may_be_watched_on_another_port_than_its_own(lab: Lab) -> None:
    own, other = lab.port(), lab.port()
    done = started(lab, "--port", str(other), port=None, health={"tcp": other, "timeout": 5})
    assert (done.json["state"], done.json["port"]) == ("running", other)
    assert lab.inv("telemetry.stop").code == 0
    lab.listen(other)
    why = f"this service does not listen on port {other}"
    late(lab, why, "--port", str(own), port=own, health={"tcp": other})


# A command


def test_a_command_is_asked_until_it_exits_with_0(lab: Lab) -> None:
    health = {"command": 'echo "not yet" >&2; test -e ready && test "$COLOUR" = green'}
    keys = {"env": {"COLOUR": "green"}, "cwd": "sub", "startup_timeout": LONG, "health": health}
    (lab.path / "sub").mkdir()
    lab.configure(telemetry={"command": lab.server(), "port": lab.port(), **keys})
    activate = lab.begin_waiting("telemetry.activate")
    until(lambda: "exits 1: not yet" in lab.inv("telemetry.status", "--json").json["health"]["detail"])
    assert activate.poll() is None
    (lab.path / "sub" / "ready").touch()
    assert activate.wait(PATIENCE) == 0
    assert lab.inv("telemetry.status", "--json").json["state"] == "running"


def test_a_command_in_words_that_cannot_be_run_is_told(lab: Lab) -> None:
    late(lab, "the health command can't be run: No such file or directory", health={"command": ["no-such-check"]})


# A line of output


def test_a_line_of_output_is_waited_for(lab: Lab) -> None:
    script = "echo starting; sleep 1; printf '\\033[32mready\\033[0m on port %s\\n' $PORT; exec sleep 600"
    lab.configure(telemetry={"command": script, "port": lab.port(), "health": {"log": "^ready on port [0-9]+$"}})
    done = lab.inv("telemetry.activate", "--json")
    assert done.json["state"] == "running"
    assert done.json["uptime_s"] >= 1


def test_a_health_command_sees_the_ports_that_the_service_sees(lab: Lab) -> None:
    """`redis-cli -p "$PORT" ping` asked port 0: a health command was given no port at all."""
    command = 'test "$PORT" = "$SENTINEL_PORT_TELEMETRY" && test "$SENTINEL_PORT_DEV" = 3999 && test "$PORT" -gt 19999'
    lab.configure(
        dev={"port": 3999}, telemetry={"command": lab.server(), "port": "auto", "health": {"command": command}}
    )
    done = lab.inv("telemetry.activate")
    assert done.code == 0, done.said
    assert lab.inv("telemetry.status").code == 0


def late_again(lab: Lab) -> str:
    """What activate says, once more, of what is not healthy in time."""
    done = lab.inv("telemetry.activate")
    assert done.code == 1, done.said
    return done.err


def test_a_line_of_an_earlier_start_does_not_count(lab: Lab) -> None:
    health = {"log": "ready"}
    lab.configure(telemetry={"command": "echo ready; exec sleep 600", "port": lab.port(), "health": health})
    assert lab.inv("telemetry.activate").code == 0
    assert lab.inv("telemetry.stop").code == 0
    lab.configure(
        telemetry={"command": "echo hm; exec sleep 600", "port": lab.port(), "health": health, "startup_timeout": 1}
    )
    until(lambda: "no line matches 'ready' yet" in late_again(lab))


def test_a_line_of_an_earlier_life_does_not_count(lab: Lab) -> None:
    """Once ready, it passed for running while it was down and while it came up again."""
    command = "[ -e ready ] && echo ready; until [ -e die ]; do sleep .05; done; exit 1"
    lab.configure(telemetry={"command": command, "port": None, "health": {"log": "^ready$"}, "restart": "on-failure"})
    (lab.path / "ready").touch()
    assert lab.inv("telemetry.activate").code == 0
    (lab.path / "ready").unlink()
    (lab.path / "die").touch()
    (record,) = lab.state("telemetry.run.json")
    until(lambda: (told := json.loads(record.read_text()))["next_start"] and told["restarts"] >= 2)
    until(lambda: "about to be started again" in lab.inv("telemetry.status", "--json").json["health"]["detail"])
    (lab.path / "die").unlink()

    def up_again() -> dict[str, Any] | None:
        before = record.read_text()
        told: dict[str, Any] = lab.inv("telemetry.status", "--json").json
        return told if before == record.read_text() and json.loads(before)["next_start"] is None else None

    told = until(up_again)
    assert (told["health"]["ok"], told["restarts"]) == (False, json.loads(record.read_text())["restarts"])


def test_a_line_that_was_seen_once_counts_after_the_log_has_rotated_it_away(lab: Lab) -> None:
    talk = "yes much talk | head -c 300000"
    lab.configure(
        telemetry={
            "command": f"echo ready; until [ -e go ]; do sleep .05; done; {talk}; exec sleep 600",
            "port": lab.port(),
            "health": {"log": "^ready"},
            "log_max_mb": 0.001,
            "log_backups": 1,
        }
    )
    assert lab.inv("telemetry.activate").code == 0
    (lab.path / "go").touch()
    until(lambda: not any(_tells(path, "ready") for path in lab.state("telemetry.log*[g1]")))
    assert lab.inv("telemetry.status", "--json").json["state"] == "running"
    again = lab.inv("telemetry.activate", "--json")
    assert (again.code, again.json["changed"]) == (0, False)


def _tells(path: Path, word: str) -> bool:
    try:
        return word in path.read_text()
    except FileNotFoundError:  # being rotated: look again
        return True


def test_a_line_is_found_in_a_log_that_was_rotated_while_starting(lab: Lab) -> None:
    talk = "i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo line $i of much talk; done"
    keys = {"health": {"log": "^ready"}, "log_max_mb": 0.001, "log_backups": 50}
    lab.configure(telemetry={"command": f"echo ready; {talk}; exec sleep 600", "port": lab.port(), **keys})
    assert lab.inv("telemetry.activate").code == 0


# Liveness by the log


def test_a_service_that_falls_silent_is_ended_as_a_failure(lab: Lab) -> None:
    command = (
        "echo tick; until [ -e quiet ]; do echo tick; sleep 0.1; done; trap 'exit 0' INT; while :; do sleep 0.1; done"
    )
    liveness = {"log": "^tick$", "interval": 0.3, "retries": 2, "grace": 5}
    lab.configure(dev={"command": command, "port": None, "health": {"log": "tick"}, "liveness": liveness})
    assert lab.inv("dev.start").code == 0
    (lab.path / "quiet").touch()
    until(lambda: lab.inv("dev.status").code == 3)
    why = "it no longer answered (2 times): no line matched '^tick$' in the last 1.3 s"
    assert why in lab.inv("dev.status").out
