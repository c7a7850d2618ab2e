"""What a service sees, for a command that is run beside it or a tool that wants its variables."""

from __future__ import annotations

from msgspec import Struct

from ..config.environment import interpolated, names_given, service_environment
from ..model import Service
from ..names import port_variable, url_variable
from ..observation.snapshot import take_snapshot
from ..tmux.lookup import known_ports
from ..world import World


class Surroundings(Struct, frozen=True):
    """One service as it runs or would run, and its whole environment."""

    service: Service
    environment: dict[str, str]


def surroundings_of(world: World, name: str) -> Surroundings:
    """The service's folder and environment as they are now; ConfigurationError if something of that can't be had."""
    service, snapshot = world.workspace.service(name), take_snapshot(world)
    ports = known_ports(world.workspace, snapshot.session, snapshot.panes)
    environment = service_environment(service, world, snapshot.session.name, ports.get(name), ports)
    return Surroundings(interpolated(service, world.workspace.path, environment), environment)


def names_given_to(world: World, name: str) -> set[str]:
    """The variables that the workspace gives the service; ConfigurationError if a file of them can't be read."""
    snapshot = take_snapshot(world)
    ports = known_ports(world.workspace, snapshot.session, snapshot.panes)
    return names_given(world.workspace.service(name), world, snapshot.session.name, ports.get(name), ports)


def addresses(world: World) -> dict[str, str]:
    """`SENTINEL_PORT_NAME` and `SENTINEL_URL_NAME` of every service of the workspace that has a port now."""
    snapshot = take_snapshot(world)
    ports = known_ports(world.workspace, snapshot.session, snapshot.panes)
    services = {name: each for each in world.workspace.services for name in (each.name, each.template)}
    found: dict[str, str] = {}
    for name, port in world.workspace.by_every_name(ports).items():
        if name in services:
            found[port_variable(name)] = str(port)
            found[url_variable(name)] = url(services[name], port)
    return found


def url(service: Service, port: int) -> str:
    """The address of the service's root on this machine."""
    scheme = "https" if str(service.health.target).startswith("https:") else "http"
    return f"{scheme}://localhost:{port}"
