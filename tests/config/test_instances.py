"""One service of the configuration becomes as many as it says (contract: Configuration, Instances)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sentinel_tasks.config.digests import changes_since, digests
from sentinel_tasks.config.environment import service_environment
from sentinel_tasks.config.load import Sources, read
from sentinel_tasks.errors import ConfigurationError
from sentinel_tasks.model import Service, Workspace
from sentinel_tasks.names import instance_name, instance_number
from sentinel_tasks.world import World

Keys = Mapping[str, Any]
WEB: Keys = {"command": "serve", "port": "auto", "instances": 3}


def configured(folder: Path, services: Mapping[str, Keys], **more: Any) -> Workspace:
    sources = Sources(**{"declared": {}, "config": {"services": services}, "environ": {}, **more})
    return read(sources, str(folder), folder / "state")


def names(workspace: Workspace) -> list[str]:
    return [service.name for service in workspace.services]


def test_each_has_a_name_a_window_and_a_number_of_its_own(tmp_path: Path) -> None:
    found = configured(tmp_path, {"web": WEB}).services
    assert [(each.name, each.title, each.window, each.instance) for each in found] == [
        ("web-1", "web-1", "web-1", 1),
        ("web-2", "web-2", "web-2", 2),
        ("web-3", "web-3", "web-3", 3),
    ]
    assert {(each.template, each.instances, each.auto_port, each.port) for each in found} == {("web", 3, True, None)}


def test_title_window_and_index_are_given_the_number(tmp_path: Path) -> None:
    keys = {**WEB, "title": "Web server", "window": "🌐 web", "index": 10}
    found = configured(tmp_path, {"web": keys}).services[1]
    assert (found.title, found.window, found.index) == ("Web server 2", "🌐 web-2", 11)


def test_one_instance_is_called_as_the_first_of_many(tmp_path: Path) -> None:
    found = configured(tmp_path, {"web": {**WEB, "instances": "1", "port": 4000}}).services
    assert [(each.name, each.port) for each in found] == [("web-1", 4000)]


def test_who_depends_on_it_waits_for_all(tmp_path: Path) -> None:
    services = {"app": {"command": "app", "depends_on": {"web": "started", "db": "healthy"}}, "web": WEB, "db": DB}
    found = configured(tmp_path, services)
    needed = (("web-1", "started"), ("web-2", "started"), ("web-3", "started"), ("db", "healthy"))
    assert (names(found), found.service("app").depends_on) == (["web-1", "web-2", "web-3", "db", "app"], needed)


def test_each_waits_for_what_it_depends_on(tmp_path: Path) -> None:
    found = configured(tmp_path, {"web": {**WEB, "depends_on": ["db"]}, "db": DB})
    assert {each.depends_on for each in found.templates["web"]} == {(("db", "healthy"),)}


def test_what_restarts_with_it_is_configured_the_same_however_many_there_are(tmp_path: Path) -> None:
    services = {"web": WEB, "app": {"command": "app", "restart_with": ["web"]}}
    found = [configured(tmp_path, services, scales={"web": (3, count)}).service("app") for count in (1, 5)]
    assert changes_since(digests(found[0], b"salt"), found[1], b"salt") == ()


DB: Keys = {"command": "db"}
WRONG: list[tuple[Mapping[str, Keys], str, str]] = [
    ({"web": {**WEB, "port": 4000}}, "sentinel.services.web.port", "must be auto where there are 3 instances"),
    ({"dev": {"instances": 2}}, "sentinel.services.dev.port", "must be auto where there are 2 instances"),
    ({"web": WEB, "web-7": DB}, "sentinel.services.web.instances", "the service web-7 is called like one of them"),
    (
        {"web": WEB, "web-1": {**WEB, "instances": 2}},
        "sentinel.services.web.instances",
        "the service web-1 is called like one of them",
    ),
    ({"telemetry": {"instances": 1}}, "sentinel.services.telemetry.instances", "is for other services"),
    ({"web": {**WEB, "depends_on": ["web"]}}, "sentinel.services", "wait for each other in a circle"),
    ({"web": WEB, "app": {**DB, "depends_on": ["web-2"]}}, "sentinel.services.app.depends_on.web-2", "mean web"),
    ({"web": {**WEB, "port": None, "health": "tcp"}}, "sentinel.services.web.health", "needs a port"),
]


@pytest.mark.parametrize(("services", "key", "reason"), WRONG)
def test_what_can_not_be_is_told_once(tmp_path: Path, services: Mapping[str, Keys], key: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        configured(tmp_path, services)
    (found,) = caught.value.problems
    assert (found.key, reason in found.reason) == (key, True)


@pytest.mark.parametrize("name", ["web-0", "web-01", "web-x", "web-1-1", "web1", "webs-1"])
def test_a_name_that_no_instance_can_have_is_free(tmp_path: Path, name: str) -> None:
    assert name in names(configured(tmp_path, {"web": WEB, name: DB}))


def test_a_variable_says_how_many(tmp_path: Path) -> None:
    environ = {"INVOKE_SENTINEL_SERVICES_WEB_INSTANCES": "2"}
    assert names(configured(tmp_path, {"web": WEB}, environ=environ)) == ["web-1", "web-2"]


def test_flags_are_for_all_or_for_one(tmp_path: Path) -> None:
    every = configured(tmp_path, {"web": WEB}, flags={"web": {"startup_timeout": "5"}})
    assert {(each.startup_timeout, each.by_flag) for each in every.services} == {(5.0, ("startup_timeout",))}
    one = configured(tmp_path, {"web": WEB}, flags={"web-2": {"port": "4000"}})
    assert [each.port for each in one.services] == [None, 4000, None]


def test_a_port_that_a_flag_gives_is_not_enough_for_all(tmp_path: Path) -> None:
    for keys, scales in ((WEB, {}), ({**WEB, "instances": 1}, {"web": (1, 2)})):
        with pytest.raises(ConfigurationError) as caught:
            configured(tmp_path, {"web": keys}, flags={"web": {"port": "4000"}}, scales=scales)
        assert [each.key for each in caught.value.problems] == ["--port"]


SCALES = [
    ((3, 5), {}, 5),
    ((3, 1), {}, 1),
    ((2, 5), {}, 3),  # said when another number was configured
    ((3, 0), {}, 3),
    ((3, 10**9), {}, 3),
    ((1, 5), {"instances": 1, "port": 4000}, 1),  # a fixed port came since
]


@pytest.mark.parametrize(("told", "keys", "count"), SCALES)
def test_scale_holds_as_long_as_the_configuration_is_the_same(
    tmp_path: Path, told: tuple[int, int], keys: Keys, count: int
) -> None:
    found = configured(tmp_path, {"web": {**WEB, **keys}}, scales={"web": told, "gone": (1, 2)})
    assert len(found.services) == count


def test_the_environment_tells_the_number_and_every_port(tmp_path: Path) -> None:
    found = configured(tmp_path, {"web": WEB, "db": {**DB, "port": 5432}})
    world = World(found, {"SENTINEL_INSTANCE": "9", "SENTINEL_PORT_WEB": "1"})
    ports = {"web-1": 20001, "web-2": 20002, "web-3": 20003, "db": 5432}
    environment = service_environment(found.service("web-2"), world, "s", 20002, ports)
    told = {name: value for name, value in environment.items() if name.startswith(("SENTINEL_PORT", "SENTINEL_I"))}
    assert told == {
        "SENTINEL_INSTANCE": "2",
        "SENTINEL_PORT_WEB": "20001",
        "SENTINEL_PORT_WEB_1": "20001",
        "SENTINEL_PORT_WEB_2": "20002",
        "SENTINEL_PORT_WEB_3": "20003",
        "SENTINEL_PORT_DB": "5432",
    }
    assert "SENTINEL_INSTANCE" not in service_environment(found.service("db"), world, "s", 5432, ports)


COUNTS = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.integers(0, 4), min_size=1)


@given(COUNTS, st.data())
def test_there_are_as_many_as_configured_and_each_waits_for_all_that_are_meant(
    tmp_path_factory: pytest.TempPathFactory, counts: dict[str, int], data: st.DataObject
) -> None:
    """By hand: 0 is a service without the key; each may depend on those before it."""
    order, needs = list(counts), {}
    for at, name in enumerate(order):
        needs[name] = data.draw(st.lists(st.sampled_from(order[:at]), unique=True)) if at else []
    services = {name: _service(counts[name], needs[name]) for name in order}
    found = configured(tmp_path_factory.getbasetemp(), services)
    own = {name: [instance_name(name, n + 1) for n in range(count)] or [name] for name, count in counts.items()}
    assert sorted(names(found)) == sorted(each for name in order for each in own[name])
    for name in order:
        wanted = [each for other in needs[name] for each in own[other]]
        for each in own[name]:
            assert [needed for needed, _ in found.service(each).depends_on] == wanted
    assert {name: [each.name for each in made] for name, made in found.templates.items()} == {
        name: own[name] for name in order if counts[name]
    }
    alike = {_without_number(each) for each in found.services}
    assert len(alike) == len(order)


def _service(count: int, needs: list[str]) -> Keys:
    return {"command": "x", "depends_on": needs, **({"instances": count} if count else {})}


def _without_number(service: Service) -> Service:
    name = service.template or service.name
    return replace(service, name=name, title=name, window=name, instance=0)


@given(st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True), st.integers(1, 200))
def test_the_number_is_read_from_the_name(name: str, number: int) -> None:
    assert instance_number(instance_name(name, number), name) == number
