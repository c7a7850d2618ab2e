"""A program that calls itself docker-proxy and listens for a container, as its own user and another one see it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.lab import Lab, is_open, until
from tests.somebody import Somebody

SERVES = "import sys, http.server as web; web.HTTPServer(('', int(sys.argv[2])), None).serve_forever()"


@pytest.fixture
def published(lab: Lab, tmp_path: Path) -> int:
    """A port that docker publishes for a container."""
    port, proxy = lab.port(), tmp_path / "docker-proxy"
    proxy.symlink_to(sys.executable)
    lab.spawn(str(proxy), "-c", SERVES, "-host-port", str(port), "-container-ip", "172.17.0.2", cwd=lab.folder)
    until(lambda: is_open(port))
    return port


def test_a_port_that_docker_publishes_offered_the_takeover_of_docker(lab: Lab, published: int) -> None:
    lab.configure(dev={"command": "docker compose up web", "port": published, "on_conflict": "takeover"})
    refused = lab.inv("dev.start")
    assert refused.code == 4
    assert "by which docker publishes a container's port" in refused.err
    assert "health: {command: …} instead of a port" in refused.err
    assert "takeover" not in refused.err
    assert is_open(published)


def test_docker_of_root_is_named_though_its_sockets_can_not_be_seen(
    lab: Lab, published: int, somebody: Somebody
) -> None:
    lab.configure(somebody.path, dev={"command": "docker compose up web", "port": published})
    somebody.own()
    refused = somebody.inv("dev.start")
    assert refused.code == 4
    assert "held by docker-proxy" in refused.err
    assert "health: {command: …} instead of a port" in refused.err
