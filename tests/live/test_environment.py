"""What a service's process sees, and where its secrets are never seen (contract: Configuration)."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.lab import INV, STAYS, Lab, Result, until

SECRET = "s3cr3t-5f1d0e-never-to-be-seen"
VALUES = [
    "a\nb",
    'it\'s "so"',
    "$HOME #{pane_id} %H `id`",
    "ünï ☃",
    "",
    "x" * 100_000,
    "\udcff",
    ";",
    "\x1b[31m\x07",
]


def activated(lab: Lab, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """The environment of the telemetry service's process, once it is healthy."""
    done = lab.inv("telemetry.activate", "--json", cwd=cwd, env=env)
    assert done.code == 0, done.said
    return environment_of(done)


def environment_of(started: Result) -> Mapping[str, str]:
    """That of the service's process; none is seen of one that is turning into another program just now."""
    environment: Mapping[str, str] = until(psutil.Process(started.json["pid"]).environ, "its environment")
    return environment


def telemetry(lab: Lab, **keys: object) -> dict[str, object]:
    return {**STAYS, "port": lab.port(), **keys}


# Whose environment


def test_the_callers_environment_counts_not_that_of_an_older_tmux_server_or_start(lab: Lab) -> None:
    old = {"WHO": "old", "ONLY_OLD": "1", "PATH": "/usr/bin:/bin", "VIRTUAL_ENV": "/old/venv"}
    subprocess.run(["tmux", "new-session", "-d", "-s", "theirs"], env={**lab.environ, **old}, check=True)
    socket = Path(lab.tmux("display-message", "-p", "#{socket_path}"))
    before = os.stat(socket).st_mode
    lab.configure(telemetry=telemetry(lab))
    new = {"WHO": "new", "PATH": f"{lab.folder}/bin:{lab.environ['PATH']}", "VIRTUAL_ENV": "/new/venv"}
    seen = activated(lab, env={**new, "ONCE": "1"})
    assert {name: seen[name] for name in new} == new
    assert "ONLY_OLD" not in seen
    done = lab.inv("telemetry.restart", "--json", env={"WHO": "second"})
    seen = environment_of(done)
    assert (seen["WHO"], "ONCE" in seen) == ("second", False)
    assert os.stat(socket).st_mode == before, "the socket of a server that runs already is left as it is"


def test_what_the_caller_has_arrives_as_it_was_but_for_its_terminal_and_tmux_keeps_none_of_it(lab: Lab) -> None:
    odd = {f"ODD_{number}": value for number, value in enumerate(VALUES)}
    secrets = {"FROM_CALLER": SECRET, "API_TOKEN": SECRET}
    terminal = {"COLUMNS": "7", "LINES": "3", "TERM": "callers-terminal", "TMUX_PANE": "%77", "STY": "1.x"}
    lab.configure(telemetry=telemetry(lab))
    seen = activated(lab, env={**odd, **secrets, **terminal})
    assert {name: seen[name] for name in (odd | secrets)} == odd | secrets
    assert not {"COLUMNS", "LINES", "STY"} & {*seen}
    assert seen["TERM"] != "callers-terminal"
    assert seen["TMUX_PANE"] == lab.tmux("list-panes", "-a", "-F", "#{pane_id}")

    shown = lab.tmux("show-environment", "-g")
    assert "PATH=" in shown
    assert "TOKEN" not in shown
    assert "FROM_CALLER" not in shown
    server = psutil.Process(int(lab.tmux("display-message", "-p", "#{pid}")))
    assert not {"FROM_CALLER", "API_TOKEN"} & {*server.environ()}
    socket = Path(lab.tmux("display-message", "-p", "#{socket_path}"))
    assert stat.filemode(os.stat(socket).st_mode) == "srw-------", "the socket of the server that we start"


# In which order


def test_env_file_then_env_then_ours_and_a_stop_does_not_need_the_file(lab: Lab) -> None:
    (lab.path / ".env").write_text("A=file\nB=file\nC=file\nPORT=1\nexport QUOTED='a # b'\nLONGER=${B}-and-more\n")
    (lab.path / "more.env").write_text("C=second file\nACROSS=${A}-and-${D}")
    keys = {"env_file": [".env", "more.env"], "env": {"A": "configured", "SENTINEL_SERVICE": "liar", "N": 1, "T": True}}
    lab.configure(telemetry=telemetry(lab, **keys))
    seen = activated(lab, env={"A": "caller", "B": "caller", "C": "caller", "D": "caller"})
    wanted = {
        "A": "configured",
        "B": "file",
        "C": "second file",
        "D": "caller",
        "QUOTED": "a # b",
        "N": "1",
        "T": "true",
    }
    assert {name: seen[name] for name in wanted} == wanted
    assert seen["LONGER"] == "file-and-more"
    assert seen["ACROSS"] == "file-and-caller"
    assert seen["SENTINEL_SERVICE"] == "telemetry"
    assert seen["PORT"] != "1"
    (lab.path / ".env").unlink()
    assert lab.inv("telemetry.status").code == 0
    assert lab.inv("telemetry.stop").code == 0, "only a start needs the file"


# A file that is not there


def test_a_missing_env_file_is_an_error_and_nothing_is_started(lab: Lab) -> None:
    lab.configure(telemetry=telemetry(lab, env_file="missing.env"))
    done = lab.inv("telemetry.activate")
    assert done.code == 2, done.said
    assert "sentinel.services.telemetry.env_file" in done.err
    assert f"{lab.path}/missing.env" in done.err
    assert "No such file or directory" in done.err
    assert lab.windows() == []
    assert lab.services() == []
    as_json = lab.inv("telemetry.activate", "--json")
    assert as_json.json["problems"][0]["key"] == "sentinel.services.telemetry.env_file"


def test_a_line_of_an_env_file_that_says_nothing_is_an_error_of_one_line(lab: Lab) -> None:
    """Three times `python-dotenv could not parse statement`, without the file's name; then it started."""
    (lab.path / ".env").write_text("A=1\nexport hunter 2\n")
    lab.configure(telemetry=telemetry(lab, env_file=".env"))
    done = lab.inv("telemetry.activate")
    file = str(lab.path / ".env")
    assert (done.code, done.out) == (2, "")
    assert done.err == f"❌ sentinel.services.telemetry.env_file: {file!r}: line 2 is not NAME=value\n"
    assert lab.services() == []


def test_a_missing_env_file_of_one_service_starts_none_of_them(lab: Lab) -> None:
    dev = {"command": lab.server(), "port": lab.port(), "env_file": "other.env"}
    lab.configure(dev=dev, telemetry=telemetry(lab, env_file=["missing.env", "."]))
    done = lab.inv("up", "--json")
    assert done.code == 2
    assert {each["value"] for each in done.json["problems"]} == {
        f"{lab.path}/{name}" for name in ("other.env", "missing.env", ".")
    }
    assert lab.services() == []
    assert lab.windows() == []


# Secrets


@contextmanager
def watched_command_lines() -> Iterator[list[str]]:
    """Reads every process's command line over and over; the list is what showed the secret."""
    found: list[str] = []
    looks = [0]
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            looks[0] += 1
            over.wait(0.005)  # any process lives longer; without a pause it would take a processor for itself
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    if SECRET.encode() in (line := path.read_bytes()):
                        found.append(line.replace(b"\0", b" ").decode(errors="replace"))

    thread = threading.Thread(target=watch)
    thread.start()
    yield found
    over.set()
    thread.join()
    assert looks[0] > 5, "it looked too seldom to have seen anything"


def secretive(lab: Lab) -> dict[str, str]:
    """Configures a service with secrets from everywhere; the caller's variables."""
    (lab.path / ".env").write_text(f"FROM_FILE={SECRET}\n")
    lab.configure(telemetry=telemetry(lab, env_file=".env", env={"FROM_CONFIGURATION": SECRET}))
    return {"FROM_CALLER": SECRET}


def files_with_secret(lab: Lab) -> list[str]:
    """The files of the state folder that tell it; a FIFO holds nothing by itself."""
    files = [path for path in (lab.folder / "state").rglob("*") if path.is_file()]
    return [str(path) for path in files if SECRET.encode() in path.read_bytes()]


def shown_by_tmux(lab: Lab) -> str:
    """All that anybody on the socket can ask for."""
    shown = [lab.tmux("show-environment", "-g"), lab.tmux("show-environment", "-t", "=sentinel-app:")]
    shown += [lab.tmux("show-options", "-g"), lab.tmux("show-options", "-t", "=sentinel-app:")]
    shown += [lab.tmux("list-panes", "-a", "-F", "#{pane_start_command} #{pane_title} #{pane_current_command}")]
    shown += [lab.tmux("show-options", "-w", "-t", "=sentinel-app:2"), lab.tmux("capture-pane", "-p", "-S", "-")]
    return "\n".join(shown)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc to look into")
def test_a_secret_reaches_the_service_and_is_seen_nowhere_else(lab: Lab) -> None:
    caller = secretive(lab)
    with watched_command_lines() as found:
        seen = activated(lab, env=caller)
        echoed = lab.inv("--echo", "telemetry.restart", env=caller)
    assert [seen["FROM_FILE"], seen["FROM_CONFIGURATION"], seen["FROM_CALLER"]] == [SECRET] * 3
    assert echoed.code == 0
    assert SECRET not in echoed.said
    assert "new-" in echoed.said or "respawn-pane" in echoed.said
    assert found == []
    assert SECRET not in shown_by_tmux(lab)
    assert files_with_secret(lab) == []
    told = [lab.inv("telemetry.status", "--json"), lab.sentinel("logs", "telemetry")]
    assert all(SECRET not in each.said for each in told)
    assert {each.pid for each in lab.processes() if holds_secret(each)} == {each.pid for each in lab.services()}


def holds_secret(process: psutil.Process) -> bool:
    """False for one that has ended meanwhile, such as a log pump of the run before."""
    with suppress(psutil.NoSuchProcess):
        return SECRET in process.environ().values()
    return False


@pytest.mark.parametrize("spec", ["appear", "are taken"])
def test_a_start_that_is_killed_leaves_no_secret_behind(lab: Lab, spec: str) -> None:
    caller = secretive(lab)
    activate = lab.begin("telemetry.activate", env=caller)
    until(lambda: lab.state("*.spec") or activate.poll() is not None)
    if spec == "are taken":
        until(lambda: not lab.state("*.spec"))
    activate.kill()
    activate.wait()
    assert files_with_secret(lab) == []
    assert lab.inv("telemetry.activate", env=caller).code == 0
    assert files_with_secret(lab) == []
    assert lab.state("*.spec") == []
    assert SECRET not in shown_by_tmux(lab)


# Beside the environment


def test_a_name_that_is_not_set_starts_nothing(lab: Lab) -> None:
    lab.configure(dev={"command": ["sleep", "600"], "port": None, "health": None, "env": {"A": "$NONE_OF_THESE"}})
    told = lab.inv("dev.start")
    assert told.code == 2
    assert "sentinel.services.dev.env.A: '…': NONE_OF_THESE is not set" in told.err
    assert lab.windows() == []


def test_limits_of_the_callers_shell_reach_the_service(lab: Lab) -> None:
    """It had those of whichever shell had once started the tmux server."""
    shown = "echo; ulimit -Sn; umask; nice; cat /proc/self/oom_score_adj"
    show = f"{shown}; grep Cpus_allowed_list /proc/self/status; exec sleep 600"
    lab.configure(
        dev=STAYS,
        job={"command": show, "health": {"log": "Cpus_allowed_list"}},
    )
    assert lab.inv("dev.start").code == 0
    narrow = ["sh", "-c", f"ulimit -Sn 200; umask 027; exec taskset 1 nice -n 3 {INV} up --only job"]
    done = subprocess.run(narrow, cwd=lab.path, env=lab.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (printed,) = [path.read_text() for path in lab.state("job.log")]
    lines = printed.replace("\r", "").splitlines()
    assert [
        line for line in ("200", "0027", str(os.nice(0) + 3), "Cpus_allowed_list:\t0") if line not in lines
    ] == [], printed
