"""The checks that an engine runs find out what `up`'s own health check finds out."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.export.checks import http, pattern, tcp
from sentinel_tasks.health.http import matches
from sentinel_tasks.model import Health
from tests.export.workspaces import service
from tests.lab import PATIENCE, Lab, until


def healthy(check: str) -> bool:
    """Whether it finds that; each has two seconds for an answer, which a loaded machine may take longer for."""
    return subprocess.run(["sh", "-c", check], check=False, capture_output=True, timeout=PATIENCE).returncode == 0


EXPECTED = (
    st.integers(100, 599).map(str) | st.sampled_from(["2xx", "3XX", "4xx"]) | st.integers(100, 699).map("<{}".format)
)


@given(expected=st.lists(EXPECTED, min_size=1, max_size=3), status=st.integers(100, 599))
def test_a_shell_compares_statuses_as_up_does(expected: list[str], status: int) -> None:
    wanted = pattern(Health("http", "/", tuple(expected)))
    found = healthy(f"case {status} in {wanted}) ;; *) exit 1 ;; esac")
    assert found == any(matches(status, each) for each in expected)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing")
@pytest.mark.parametrize(
    ("status", "ok"), [("200", True), ("204", True), ("302", False), ("404", False), ("500", False)]
)
def test_an_address_is_asked(lab: Lab, status: str, ok: bool) -> None:
    port = lab.port()
    lab.listen(port, "--status", status)
    given = service(port=port, health=Health("http", "/it's?a=[b]&c={d}", ("2xx",)))
    until(lambda: healthy(http(given, port)) == ok, f"{status} to be {ok}")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing")
def test_an_address_where_nobody_answers_is_not_healthy(lab: Lab) -> None:
    port = lab.port()
    assert not healthy(http(service(port=port, health=Health("http", "/")), port))
    lab.listen(port, "--hang")
    assert not healthy(http(service(port=port, health=Health("http", "/")), port))


def test_a_port_is_asked(lab: Lab) -> None:
    port = lab.port()
    assert not healthy(tcp(port))
    lab.listen(port)
    until(lambda: healthy(tcp(port)), "the port")
