"""Who publishes a container's port: it listens in the name of a program that is none of this machine's. Pure."""

from __future__ import annotations

from ..model import Service

PUBLISHERS = {
    "docker-proxy": "docker",
    "com.docker.back": "docker",
    "vpnkit-bridge": "docker",
    "rootlesskit": "docker",
    "rootlessport": "podman",
    "gvproxy": "podman",
}
"""The container engine, by how the names of its processes that listen begin; the kernel keeps 15 characters of them."""


def engine_of(name: str | None) -> str:
    """The container engine whose process of that name listens for a container; empty if it is none's."""
    return next((engine for begin, engine in PUBLISHERS.items() if name and name.startswith(begin)), "")


def runs_containers(service: Service) -> bool:
    """True if the service's own command starts a container: the port is that container's, not a process's of ours."""
    text = service.command if isinstance(service.command, str) else " ".join(service.command)
    return any(word.rpartition("/")[2] in {"docker", "docker-compose", "podman", "nerdctl"} for word in text.split())
