"""Runs a workspace of witnesses under one engine until all have spoken, then ends it and hears their exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.export import readers, unit_reader
from tests.lab import PATIENCE, is_open, until

if TYPE_CHECKING:
    from tests.export.round_trip import Round

Facts = dict[str, dict[str, Any]]
Ends = dict[str, int | None]
BIN = Path(sys.executable).parent


def inv(round_: Round) -> tuple[Facts, Ends]:
    """`inv up`, `inv down`, and what the launchers wrote down."""
    up = round_.lab.inv("up", "--json")
    assert up.code == 0, up.said
    _heard(round_, {each["service"]: each["port"] for each in up.json["services"]})
    down = round_.lab.inv("down", "--json")
    assert down.code == 0, down.said
    records = {name: round_.lab.state(f"{name}.run.json") for name in round_.service_of}
    return _facts(round_), {name: _end(json.loads(paths[0].read_text())) for name, paths in records.items()}


def _end(record: dict[str, Any]) -> int:
    """The exit code, below 0 for a signal."""
    return -signal.Signals[record["signal"]] if record["signal"] else int(record["exit_code"])


def supervisord(round_: Round) -> tuple[Facts, Ends]:
    """A real supervisord in the foreground, ended by TERM: it stops its programs as each says."""
    folder = round_.export("supervisord")
    process = round_.lab.spawn(str(BIN / "supervisord"), "-n", "-c", str(folder / "supervisord.conf"))
    log = folder / "supervisord.log"
    _heard(round_)
    until(lambda: all(f"exited: {name} " in log.read_text() for name in round_.once()), "the one-shots")
    process.terminate()
    process.communicate(timeout=PATIENCE)
    ends = re.findall(r"(?:exited|stopped): (\S+) \((?:exit status (\d+)|terminated by (\w+))", log.read_text())
    codes = {name: int(code) if code else -signal.Signals[by] for name, code, by in ends}
    return _facts(round_), {name: codes.get(name) for name in round_.service_of}


def procfile(round_: Round) -> tuple[Facts, Ends]:
    """What runs once by the line of its own, then honcho as the Procfile's header says, ended by TERM."""
    folder = round_.export("procfile")
    lines = dict(
        line.split(": ", 1) for line in (folder / "Procfile").read_text().splitlines() if line[0:1] not in "# "
    )
    own = {keys["env_file"] for keys in round_.services.values() if "env_file" in keys}
    files = [*own, str(folder / "sentinel.env")]
    honcho = (str(BIN / "honcho"), "-f", str(folder / "Procfile"), "-e", ",".join(files))
    ends: Ends = {}
    if "release" in lines:
        done = subprocess.run(
            [*honcho, "start", "release"],
            cwd=round_.folder,
            env=round_.lab.environ,
            capture_output=True,
            check=False,
            timeout=PATIENCE,
        )
        ends = dict.fromkeys(round_.once(), done.returncode)
    rest = [name for name in lines if name != "release"]
    if rest:
        process = round_.lab.spawn(*honcho, "start", *rest)
        _heard(round_)
        process.terminate()
        said = process.communicate(timeout=PATIENCE)[0].decode()
        ends |= {name: int(code) for name, code in re.findall(r"(\S+)\.1 stopped \(rc=(-?\d+)\)", said)}
    return _facts(round_), {name: ends.get(name) for name in round_.service_of}


def systemd(round_: Round) -> tuple[Facts, Ends]:
    """Each unit as a reader of unit files has it, in order; its ExecStartPost must find it healthy."""
    folder = round_.export("systemd")
    config = round_.lab.folder / "units"
    (config / "sentinel-app").mkdir(parents=True)
    for path in folder.glob("*.env"):
        path.rename(config / "sentinel-app" / path.name)
    started: dict[str, tuple[subprocess.Popen[bytes], str]] = {}
    ends: Ends = {}
    for name in round_.service_of:
        process, unit = _start(round_, folder, name, config)
        if name in round_.once():
            ends[name] = process.wait(PATIENCE)
        else:
            started[name] = process, unit["KillSignal"][-1]
    _heard(round_)
    for name, (process, kill_signal) in started.items():
        os.killpg(process.pid, signal.Signals[kill_signal])  # KillMode=control-group
        ends[name] = process.wait(PATIENCE)
    return _facts(round_), ends


def _start(round_: Round, folder: Path, name: str, config: Path) -> tuple[subprocess.Popen[bytes], unit_reader.Section]:
    found = readers.systemd(folder, name, str(config))
    unit, specifiers = readers.unit_of(folder, name, str(config))
    environ = {**round_.lab.environ, **found.env}
    process = subprocess.Popen(found.argv, cwd=found.cwd, env=environ, stdin=subprocess.DEVNULL, start_new_session=True)
    round_.lab.started.append(process)
    for line in unit.get("ExecStartPost", []):
        environ["MAINPID"] = str(process.pid)
        check = unit_reader.command(line, environ, specifiers)
        assert subprocess.run(check, cwd=found.cwd, env=environ, check=False, timeout=PATIENCE).returncode == 0, line
    return process, unit


def _heard(round_: Round, ports: dict[str, int] | None = None) -> None:
    """Every witness has spoken, and every port answers."""
    until(lambda: all(path.exists() for path in round_.witnessed.values()), "the witnesses")
    if ports is not None:
        round_.ports = {name: port for name, port in ports.items() if port}
    assert all(is_open(port) for port in round_.ports.values())


def _facts(round_: Round) -> Facts:
    return {name: json.loads(path.read_text()) for name, path in round_.witnessed.items()}


ENGINES: dict[str, Callable[[Round], tuple[Facts, Ends]]] = {
    "inv": inv,
    "supervisord": supervisord,
    "systemd": systemd,
    "procfile": procfile,
}
