"""Each target's files read as its engine reads them: the process of each service that would be started."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from honcho import environ as honcho
from supervisor.options import ServerOptions

from tests.export import unit_reader
from tests.lab import PATIENCE


class Process(NamedTuple):
    """What an engine starts: argv, folder, and the variables that it adds to its own."""

    argv: list[str]
    cwd: str
    env: dict[str, str]

    def run(self, environ: Mapping[str, str], folder: str | None = None) -> tuple[int, bytes, bytes]:
        """Exit code and output of the process, in the environment of an engine."""
        done = subprocess.run(
            self.argv, cwd=folder or self.cwd, env={**environ, **self.env}, stdin=subprocess.DEVNULL,
            capture_output=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr


def systemd(folder: Path, name: str, config: str = "/nowhere") -> Process:
    """The main process of a unit."""
    service, specifiers = unit_of(folder, name, config)
    environment = unit_reader.assignments(service.get("Environment", []), specifiers)
    for line in service.get("EnvironmentFile", []):
        file = Path(unit_reader.expanded(line.removeprefix("-"), specifiers))
        if file.exists() or not line.startswith("-"):
            environment |= unit_reader.file_of_variables(file.read_text())
    cwd = unit_reader.expanded(service.get("WorkingDirectory", ["/"])[-1], specifiers)
    (started,) = service["ExecStart"]
    return Process(unit_reader.command(started, environment, specifiers), cwd, environment)


def unit_of(folder: Path, name: str, config: str = "/nowhere") -> tuple[unit_reader.Section, dict[str, str]]:
    """The section of a unit, or of the template that it is an instance of, and what its specifiers stand for."""
    template, _, number = name.rpartition("-")
    path = next(folder.glob(f"sentinel-*-{name}.service"), None) or next(folder.glob(f"sentinel-*-{template}@.service"))
    return unit_reader.sections(path.read_bytes().decode())["Service"], {"E": config, "i": number}


def supervisord(folder: Path, name: str) -> Process:
    """The process of a program, by supervisord's own parser: the same where another file includes this one."""
    whole = folder / "whole.conf"
    whole.write_text("[supervisord]\n[include]\nfiles=%(here)s/supervisord.conf\n")
    found = _program(folder / "supervisord.conf", name)
    assert found == _program(whole, name)
    return found


def _program(path: Path, name: str) -> Process:
    options = ServerOptions()
    options.realize(["-c", str(path)], doc="", progname="supervisord")
    programs = {each.name: each for group in options.process_group_configs for each in group.process_configs}
    found = programs[name]
    return Process(shlex.split(found.command), found.directory or "/", dict(found.environment))


def procfile(folder: Path, name: str) -> Process:
    """The process of a line, by honcho's own parser; it runs below the workspace."""
    found = honcho.parse_procfile((folder / "Procfile").read_text()).processes[name]
    example = (folder / "sentinel.env.example").read_text()
    return Process(["/bin/sh", "-c", found], "/", {"PORT": "5000", **honcho.parse(example)})


def compose(folder: Path, name: str) -> Process:
    """The process of a service's container, with no entrypoint of the image before it."""
    found = _interpolated(yaml.safe_load((folder / "compose.yaml").read_bytes()))["services"][name]
    assert found["entrypoint"] == []
    return Process(found["command"], found["working_dir"], found["environment"])


_COMPOSE = re.compile(r"\$(?P<escaped>\$)|\$(?P<other>.?)", re.DOTALL)


def _interpolated(value: Any) -> Any:
    """compose-spec's interpolation: in values only; whatever is not `$$` would be a variable or an error."""
    if isinstance(value, dict):
        return {key: _interpolated(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_interpolated(each) for each in value]
    return _COMPOSE.sub(_dollar, value) if isinstance(value, str) else value


def _dollar(found: re.Match[str]) -> str:
    assert found["escaped"], f"would be interpolated: {found[0]!r}"
    return "$"


def kubernetes(folder: Path, name: str) -> Process:
    """The process of the first container, `$(NAME)` put in as the kubelet does."""
    workload = next(yaml.safe_load_all((folder / f"{name}.yaml").read_bytes()))
    container = workload["spec"]["template"]["spec"]["containers"][0]
    environment: dict[str, str] = {}
    for each in container["env"]:
        if "value" in each:
            environment[each["name"]] = kubelet_expanded(each["value"], environment)
    return Process(
        [kubelet_expanded(word, environment) for word in container["command"]], container["workingDir"], environment
    )


def kubelet_expanded(text: str, environment: Mapping[str, str]) -> str:
    """third_party/forked/golang/expansion: `$$` is a dollar, an unknown `$(NAME)` stays as it is."""
    return re.sub(
        r"\$\$|\$\(([^)]*)\)",
        lambda found: "$" if found[0] == "$$" else environment.get(found[1], found[0]),
        text,
        flags=re.DOTALL,
    )


READERS = {
    "systemd": systemd,
    "supervisord": supervisord,
    "compose": compose,
    "kubernetes": kubernetes,
    "procfile": procfile,
}
