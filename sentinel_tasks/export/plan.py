"""What is to be exported: the services without their secrets, their fixed ports, and what each one's process sees."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ..model import Service, Workspace
from ..names import PORT_VARIABLES, automatic_ports, digest, instance_name, port_variable, url_variable
from .instances import NUMBER, Copies, as_one_each, copied, meant, names_in_common, names_of
from .lost import Lost
from .secrets import IN_A_COMMAND, Cleaned, cleaned
from .settled import settled

ROOT = "/app"
"""Where an image has the workspace."""
TOKEN = "TES_DEV_TOKEN"
LONGEST_HOST, LONGEST_STEM = 63, 40


class Options(Struct, frozen=True):
    """What was asked for, and what was seen of the files of variables: those that every reader reads alike."""

    only: tuple[str, ...] | None = None
    image: str | None = None
    metrics: bool = False
    folder: str = ""
    plain_files: frozenset[str] = frozenset()


class Plan(Struct, frozen=True):
    """One export. No value that may be a secret is in here; `secrets` are the names of what must be provided.

    `left` are the names that a service's configuration refers to and nobody here knows, `common` those that several
    instances have in common where they are one service.
    """

    workspace: Workspace
    options: Options
    hosts: bool
    services: tuple[Service, ...]
    ports: Mapping[str, int]
    secrets: Mapping[str, tuple[str, ...]]
    losses: tuple[Lost, ...] = ()
    left: Mapping[str, tuple[str, ...]] = {}
    started: frozenset[str] = frozenset()
    common: Mapping[str, str] = {}

    @property
    def stem(self) -> str:
        """The workspace's session name, short enough to begin other names with."""
        name = self.workspace.session
        return name if len(name) <= LONGEST_STEM else f"{name[: LONGEST_STEM - 9]}-{digest(self.workspace.path)}"

    @property
    def image(self) -> str:
        """The image that was named, or the one that is to be built."""
        return self.options.image or f"{self.stem.removeprefix('sentinel-').lower().strip('-_') or 'app'}:latest"

    def service(self, name: str) -> Service | None:
        """The service of that name, if it is exported."""
        return next((service for service in self.services if service.name == name), None)

    def needed(self, service: Service, condition: str) -> list[Service]:
        """What the service waits for in this way, as far as it is exported; a one-shot is always waited out."""
        found = [(self.service(name), wanted) for name, wanted in service.depends_on]
        return [each for each, wanted in found if each is not None and wanted == condition]

    def is_started(self, service: Service) -> bool:
        """True for what `up` would start: what was asked for or starts by itself, and all that this needs."""
        return service.name in self.started

    def inside(self, path: str) -> str:
        """The path as the service's process sees it."""
        if not self.hosts or not self.is_inside(path):
            return path
        return os.path.normpath(os.path.join(ROOT, os.path.relpath(path, self.workspace.path)))

    def is_inside(self, path: str) -> bool:
        """True for the workspace and what is below it."""
        return path == self.workspace.path or path.startswith(f"{self.workspace.path.rstrip('/')}/")

    def relative(self, path: str) -> str:
        """The path as seen from the folder that the export is for."""
        return os.path.relpath(path, self.options.folder or self.workspace.path)

    def environment(self, service: Service) -> dict[str, str]:
        """What the service's process sees beside its caller's variables, its files' and its secrets."""
        return self._reporting() | dict(service.env) | self.own(service)

    def own(self, service: Service) -> dict[str, str]:
        """The variables that we set, whatever the configuration says of them."""
        own = self.shared() | {"SENTINEL_SERVICE": service.name}
        if service.instances and not self.hosts:
            own |= {"SENTINEL_SERVICE": instance_name(service.name, NUMBER), "SENTINEL_INSTANCE": NUMBER}
        elif service.instance:
            own["SENTINEL_INSTANCE"] = str(service.instance)
        if (port := self.ports.get(service.name)) is not None:
            own["PORT"] = str(port)
            if variable := PORT_VARIABLES.get(service.name):
                own[variable] = str(port)
        if service.worker_command is not None:
            command = service.worker_command
            own["SENTINEL_WORKER_COMMAND"] = json.dumps(command if isinstance(command, str) else list(command))
        return own

    def shared(self) -> dict[str, str]:
        """What is the same for every service: the workspace, and where all of them are."""
        found = {"SENTINEL_WORKSPACE": self.inside(self.workspace.path), "SENTINEL_SESSION": self.workspace.session}
        for name, port in self.ports.items():
            found[port_variable(name)] = str(port)
            found[url_variable(name)] = f"http://{self.host(name)}:{port}"
        return found

    def _reporting(self) -> dict[str, str]:
        """Where a worker in a container of its own reports itself; the configuration may say another place."""
        is_there = self.hosts and "telemetry" in self.ports
        return {"WORKER_API_URL": f"http://{self.host('telemetry')}:{self.ports['telemetry']}"} if is_there else {}

    def host(self, name: str) -> str:
        """Where the service is reached by the others."""
        return host_name(self.common.get(name, name)) if self.hosts else "localhost"


def host_name(service: str) -> str:
    """The service's name as a label that DNS takes."""
    if len(service) > LONGEST_HOST:
        service = f"{service[: LONGEST_HOST - 9]}-{digest(service)}"
    return service.rstrip("-")


def planned(workspace: Workspace, options: Options, hosts: bool, copies: Copies = "none") -> Plan:
    """The plan of an export: what was asked for and all that it needs, in order of dependency."""
    once = copied(workspace, copies)
    common = names_in_common(workspace, once)
    only = None if options.only is None else meant(options.only, workspace, common)
    workspace = as_one_each(workspace, once)
    found = {service.name: cleaned(service) for service in _wanted(workspace, only)}
    by_itself = [service.name for service in workspace.services if service.autostart]
    started = by_itself if only is None else only
    embedded = {name for name, each in found.items() if hosts and is_embedded_api(each.service)}
    plan = Plan(
        workspace=replace(workspace, services=()),
        options=options,
        hosts=hosts,
        services=tuple(
            _in_a_container(each.service) if name in embedded else each.service for name, each in found.items()
        ),
        ports=_by_every_name(workspace, _ports(workspace, "" if hosts else workspace.path)),
        common=common,
        secrets={name: _names(each.names, name in embedded) for name, each in found.items()},
        losses=tuple(_masked(found.values())),
        started=frozenset(service.name for service in _wanted(workspace, started)),
    )
    return _settled(plan)


def _masked(services: Iterable[Cleaned]) -> Iterator[Lost]:
    for each in services:
        yield from (Lost(each.service.name, f"a secret in a command ({key})", IN_A_COMMAND) for key in each.masked)


def _settled(plan: Plan) -> Plan:
    """The same with the names in the configuration replaced by what is known of them."""
    found = [settled(service, plan.own(service), plan.workspace.path) for service in plan.services]
    left = {each.service.name: each.names for each in found if each.names}
    return replace(plan, services=tuple(each.service for each in found), left=left)


def _names(names: Sequence[str], with_token: bool) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*names, *([TOKEN] if with_token else [])]))


def _wanted(workspace: Workspace, only: Sequence[str] | None) -> Iterator[Service]:
    """The services of that name and all that they need; the workspace has them in order already."""
    names = {service.name for service in workspace.services} if only is None else set(only)
    for service in reversed(workspace.services):
        if service.name in names:
            names |= {name for name, _ in service.depends_on}
    return (service for service in workspace.services if service.name in names)


def _ports(workspace: Workspace, seed: str) -> dict[str, int]:
    """Every service's port; an automatic one is the first of those that `up` would try that no other service has."""
    taken = {service.name: service.port for service in workspace.services if service.port is not None}
    for service in workspace.services:
        if service.auto_port and service.name not in taken:
            candidates = automatic_ports(seed, service.name)
            taken[service.name] = next(port for port in candidates if port not in taken.values())
    return {service.name: taken[service.name] for service in workspace.services if service.name in taken}


def _by_every_name(workspace: Workspace, ports: Mapping[str, int]) -> dict[str, int]:
    """The same by the name in common of several instances, and by those of the instances of what is one here."""
    own = {name: ports[each.name] for each in workspace.services if each.name in ports for name in names_of(each)}
    return workspace.by_every_name(own)


def is_embedded_api(service: Service) -> bool:
    """True for the Worker Telemetry API that this package brings along."""
    return service.command[-2:] == ("-m", "sentinel_tasks.api")


def _in_a_container(service: Service) -> Service:
    """The embedded API for callers from outside its container: it wants a token then, and to know its own name."""
    name = host_name(service.name)
    words = ("python", "-m", "sentinel_tasks.api", "--host", "0.0.0.0", "--allow-host", name)
    return replace(service, command=words)
