"""Each service's command and port."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping

from ..config.environment import with_its_environment
from ..decisions.ownership import FRIENDLY
from ..engine.holders import ways_on, who
from ..errors import ConfigurationError
from ..model import Finding, Service, Typed
from ..names import mark, port_pairs
from ..report.phrases import changed_since_start
from ..world import World
from .findings import failed, passed, passed_unless
from .look import Look

OF_THE_SHELL = frozenset([
    ".", ":", "!", "[", "alias", "break", "case", "cd", "command", "continue", "do", "done", "echo", "else", "eval",
    "exit", "export", "false", "fi", "for", "if", "local", "printf", "pwd", "read", "readonly", "return", "set",
    "shift", "source", "test", "times", "trap", "true", "type", "ulimit", "umask", "unalias", "unset", "until", "wait",
    "while",
])  # fmt: skip
PLAIN = re.compile(r"[\w./~+@%-]+\Z")
ASSIGNMENT = re.compile(r"\w+=")


# Commands


def commands(look: Look) -> list[Finding]:
    """Each service's folder is there, and its command can be found from it with the caller's PATH."""
    return [_command(service, look.world) for service in look.workspace.services]


def _command(service: Service, world: World) -> Finding:
    name, key = f"{service.name}.command", service.key
    try:
        service, environ = with_its_environment(service, world)
    except ConfigurationError as reason:
        return failed(name, reason.what, f"correct it in {key}")
    if not os.path.isdir(service.cwd):
        return failed(name, f"there is no folder {service.cwd}", f"correct {key}.cwd")
    word = program(service.command)
    if word is None or find(word, service.cwd, environ):
        return passed(name, f"{word or 'a shell command'} is found")
    where = f"in {service.cwd}" if "/" in word else "on the PATH"
    return failed(name, f"{word} is not {where}", f"install {word}, or correct {key}.command")


def program(command: str | tuple[str, ...]) -> str | None:
    """The program that a command runs first; None if only a shell could find out."""
    if not isinstance(command, str):
        return command[0] if command else None
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    for word in words:
        if ASSIGNMENT.match(word) or word == "exec":
            continue
        return word if PLAIN.match(word) and word not in OF_THE_SHELL else None
    return None


def find(word: str, folder: str, environ: Mapping[str, str]) -> str | None:
    """The path of the program, looked for as the launcher does; None if it is not found."""
    if "/" in word:
        return shutil.which(os.path.join(folder, os.path.expanduser(word)))
    return shutil.which(word, path=environ.get("PATH", os.defpath))


# Ports


def ports(look: Look) -> list[Finding]:
    """Each service's port is free or ours."""
    return [_port(service, look) for service in look.workspace.services if service.name in look.observations]


def _port(service: Service, look: Look) -> Finding:
    seen, name = look.observations[service.name], f"{service.name}.port"
    if seen.port is None:
        return passed(name, "it has none" if not service.auto_port else "one that is free, once it starts")
    holder = next((each for each in seen.holders if each.relation not in FRIENDLY), None)
    if holder is None:
        return passed(name, f"{seen.port} is {'ours' if seen.holders else 'free'}")
    if holder.relation == "stray":
        return passed(name, f"{seen.port} is held by a stray of it (see strays)")
    reason = f"{seen.port} is held by {who(holder, look.workspace)}"
    return failed(name, reason, ways_on(service, holder, look.workspace), "warning")


def shared_ports(look: Look) -> list[Finding]:
    """No other workspace of this user, on any tmux server, has a service with the same fixed port."""
    home = mark(look.workspace.path)
    fixed = {service.port: service for service in look.workspace.services if service.port}
    others = {
        (pane.port, pane.service, pane.home)
        for pane in look.panes_everywhere
        if pane.home not in ("", home) and pane.port and port_pairs(pane.ports).get(pane.service) != pane.port
    }
    wrong = [
        failed(
            "shared-ports",
            f"{fixed[port].name} and {service} of {where} both want port {port}",
            f"{fixed[port].key}.port: auto, in one of the two",
            "warning",
        )
        for port, service, where in sorted(others)
        if port in fixed and fixed[port].on_conflict != "auto"
    ]
    return passed_unless("shared-ports", wrong, "no other workspace seen here wants the same port")


def changed(look: Look) -> list[Finding]:
    """Every service that runs was started with the configuration that it has now."""
    typed = look.workspace.typed
    wrong = [
        failed("changed", f"{name}: {changed_since_start(seen.changes)}", _applying(name, typed), "warning")
        for name, seen in look.observations.items()
        if seen.changes
    ]
    return passed_unless("changed", wrong, "every service that runs was started with the configuration as it is")


def _applying(name: str, typed: Typed) -> str:
    return f"{up} --only {name} --apply" if (up := typed.task("up")) else typed.task("restart", name)
