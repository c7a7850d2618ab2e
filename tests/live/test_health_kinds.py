"""Every kind of health check of the contract (Configuration), asked of real servers."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pexpect
import psutil
import pytest

from tests.lab import INV, LONG, PATIENCE, STAYS, Lab, Result, on_terminal, until


def started(lab: Lab, *words: str, name: str = "telemetry", **keys: object) -> Result:
    """What start says of a server that behaves like this."""
    lab.configure(**{name: {"command": lab.server(*words), "port": lab.port(), **keys}})
    return lab.inv(f"{name}.start", "--json")


def late(lab: Lab, why: str, *words: str, name: str = "telemetry", **keys: object) -> Result:
    """What start says of a server that behaves like this and is not healthy in time, once that is why."""
    lab.configure(**{name: {"command": lab.server(*words), "port": lab.port(), "startup_timeout": 0.5, **keys}})

    def told() -> Result | None:
        done = lab.inv(f"{name}.start", "--json")
        assert done.code == 1, done.said
        return done if why in done.json["error"] else None

    done: Result = until(told, why)
    assert (done.json["state"], done.json["health"]["ok"]) == ("unhealthy", False), done.said
    return done


# HTTP


def test_a_page_that_takes_two_seconds_is_healthy_in_start_in_a_wait_of_no_time_and_in_a_status_that_tells_why_it_waits(
    lab: Lab,
) -> None:
    """Each question was broken off and begun anew, until the start gave up."""
    done = started(lab, "--answer-after", "2", health={"path": "/", "timeout": PATIENCE})
    assert (done.code, done.json["state"], done.json["health"]["detail"]) == (0, "running", "200")
    waited = lab.sentinel("wait", "telemetry", "--timeout", "0")
    assert (waited.code, "starting" in waited.said) == (0, False)

    def tells_why_it_waits() -> bool:
        with on_terminal(lab, INV, "telemetry.status") as shown:
            told = shown.expect([r"telemetry: awaiting its health check [0-9.]+ of 60 s", "Running on port"]) == 0
            if told:
                shown.expect("Running on port")
            shown.expect(pexpect.EOF)
        return told

    until(tells_why_it_waits, "a status that is not held up for as long as the page takes")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only a connection tells who listens")
def test_a_service_that_is_asked_by_tcp_is_never_connected_to(lab: Lab) -> None:
    """Each look woke it, PostgreSQL before 12 logged each, and a Python program could lose the C-c of a stop."""
    port = lab.port()
    accepts = f"""import signal, socket, sys
signal.signal(signal.SIGINT, lambda *_: sys.exit())
server = socket.create_server(("127.0.0.1", {port}))
while server.accept():
    print("somebody came")
"""
    lab.configure(db={"command": [sys.executable, "-u", "-c", accepts], "port": port, "health": "tcp"})
    for words in (["db.start"], ["db.start"], ["db.status"], ["ps"], ["wait", "--timeout", "5"], ["doctor"]):
        lab.inv(*words)
    assert lab.sentinel("status", "db", "--json").json["state"] == "running"
    stopped = lab.inv("db.stop", "--json")
    assert (stopped.code, stopped.json["state"]) == (0, "stopped"), stopped.said
    assert "somebody" not in lab.inv("db.logs", "--lines", "100").out


def test_ctrl_c_while_status_awaits_a_health_command_ends_it_and_the_command(lab: Lab) -> None:
    health = {"command": f"test -e slow || exit 0; echo $$ >pid; exec sleep {LONG}", "timeout": LONG}
    assert started(lab, health=health).code == 0
    (lab.path / "slow").touch()
    asking = lab.begin("telemetry.status")
    until(lambda: (lab.path / "pid").exists() and (lab.path / "pid").read_text())
    asking.send_signal(signal.SIGINT)
    assert asking.wait(PATIENCE) == 130
    until(lambda: not psutil.pid_exists(int((lab.path / "pid").read_text())))


def test_a_url_that_another_process_answers_proves_nothing(lab: Lab) -> None:
    port = lab.port()
    lab.listen(port, cwd=lab.folder)
    done = started(lab, "--port", str(lab.port()), port=None, health=f"http://127.0.0.1:{port}/")
    assert done.code == 4, done.said
    late(lab, f"does not listen on port {port}, where its health is asked", health=f"http://127.0.0.1:{port}/")


def test_a_server_is_found_on_whatever_address_it_chose(lab: Lab) -> None:
    where = ["127.9.8.7", "::ffff:127.0.0.1", ":: --only-ipv6"]
    (lab.path / "tasks.py").write_text("from sentinel_tasks import workspace\n\nnamespace = workspace()\n")
    servers = [lab.server("--host", *words.split()) for words in where]
    lab.configure(**{f"s{n}": {"command": each, "port": lab.port(), "health": "/"} for n, each in enumerate(servers)})
    done = lab.inv("up", "--json")
    assert [each["state"] for each in done.json["services"]] == ["running"] * len(where), done.said


def test_an_answer_on_ipv4_is_not_that_of_a_server_on_ipv6_alone(lab: Lab) -> None:
    port = lab.port()
    late(lab, "HTTP 503", "--host", "::", "--only-ipv6", "--status", "503", port=port)
    lab.listen(port)
    assert lab.sentinel("status", "telemetry", "--json").json["state"] == "conflict"


def test_a_port_that_accepts_is_enough_for_tcp_also_another_than_the_services_own(lab: Lab) -> None:
    other = lab.port()
    done = started(lab, "--hang", "--port", str(other), port=None, health={"tcp": other, "timeout": 5})
    assert (done.json["state"], done.json["port"]) == ("running", other)
    assert done.json["health"]["detail"] == "the port accepts"


# A command


def test_a_health_command_sees_what_the_service_sees_its_ports_too(lab: Lab) -> None:
    """`redis-cli -p "$PORT" ping` asked port 0: a health command was given no port at all."""
    ports = 'test "$PORT" = "$SENTINEL_PORT_TELEMETRY" && test "$SENTINEL_PORT_DEV" = 3999 && test "$PORT" -gt 19999'
    health = {"command": f'{ports} && test "$COLOUR" = green && cat answer'}
    (lab.path / "sub").mkdir()
    (lab.path / "sub" / "answer").touch()
    keys = {"port": "auto", "env": {"COLOUR": "green"}, "cwd": "sub", "health": health}
    lab.configure(dev={"port": 3999}, telemetry={**STAYS, **keys})
    done = lab.inv("telemetry.activate")
    assert done.code == 0, done.said
    (lab.path / "sub" / "answer").unlink()
    told = lab.sentinel("status", "telemetry", "--json").json
    assert (told["state"], "exits 1: cat: answer" in told["health"]["detail"]) == ("unhealthy", True)


# A line of output


def test_a_line_of_an_earlier_life_does_not_count(lab: Lab) -> None:
    """Once ready, it passed for running while it was down and while it came up again."""
    command = "[ -e ready ] && echo ready; until [ -e die ]; do sleep .05; done; exit 1"
    lab.configure(telemetry={"command": command, "port": None, "health": {"log": "^ready$"}, "restart": "on-failure"})
    (lab.path / "ready").touch()
    assert lab.inv("telemetry.activate").code == 0
    (lab.path / "ready").unlink()
    (lab.path / "die").touch()
    (record,) = lab.state("telemetry.run.json")
    until(lambda: (told := json.loads(record.read_text())).get("next_start") and told["restarts"] >= 2)
    until(lambda: "about to be started again" in lab.sentinel("status", "telemetry", "--json").json["health"]["detail"])
    (lab.path / "die").unlink()

    def up_again() -> tuple[dict[str, Any], dict[str, Any]] | None:
        before = record.read_text()
        told, known = lab.sentinel("status", "telemetry", "--json").json, json.loads(before)
        return (told, known) if before == record.read_text() and known["next_start"] is None else None

    told, known = until(up_again)
    assert (told["health"]["ok"], told["restarts"]) == (False, known["restarts"])


def test_a_line_that_was_seen_once_counts_after_the_log_has_rotated_it_away(lab: Lab) -> None:
    talk = "yes much talk | head -c 300000"
    lab.configure(
        telemetry={
            "command": f"echo ready; until [ -e go ]; do sleep .05; done; {talk}; exec sleep 600",
            "port": None,
            "health": {"log": "^ready"},
            "log_max_mb": 0.001,
            "log_backups": 1,
        }
    )
    assert lab.inv("telemetry.activate").code == 0
    (lab.path / "go").touch()
    until(lambda: not any(_tells(path, "ready") for path in lab.state("telemetry.log*[g1]")))
    assert lab.sentinel("status", "telemetry", "--json").json["state"] == "running"
    again = lab.inv("telemetry.activate", "--json")
    assert (again.code, again.json["changed"]) == (0, False)


def _tells(path: Path, word: str) -> bool:
    try:
        return word in path.read_text()
    except FileNotFoundError:  # being rotated: look again
        return True
