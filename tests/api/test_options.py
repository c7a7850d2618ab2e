from collections.abc import Mapping

import pytest

from sentinel_tasks.api import options
from sentinel_tasks.api.client import default_url
from sentinel_tasks.config.load import BUILT_IN


@pytest.mark.parametrize(
    ("arguments", "environment", "port"),
    [
        ([], {}, 3000),
        ([], {"PORT": "4000"}, 4000),
        ([], {"PORT": "4000", "WORKER_API_PORT": "4001"}, 4001),
        (["--port", "4002"], {"PORT": "4000", "WORKER_API_PORT": "4001"}, 4002),
        ([], {"PORT": ""}, 3000),
    ],
)
def test_port_comes_from_the_flag_then_the_environment(
    arguments: list[str], environment: Mapping[str, str], port: int
) -> None:
    assert options.read(arguments, environment).port == port


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({"PORT": "x"}, "PORT"),
        ({"WORKER_API_PORT": "65536"}, "WORKER_API_PORT"),
        ({"WORKER_API_PORT": "-1"}, "WORKER_API_PORT"),
        ({"SENTINEL_WORKER_COMMAND": "celery worker"}, "SENTINEL_WORKER_COMMAND"),
        ({"SENTINEL_WORKER_COMMAND": "[]"}, "SENTINEL_WORKER_COMMAND"),
        ({"SENTINEL_WORKER_COMMAND": '["a", 1]'}, "SENTINEL_WORKER_COMMAND"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(environment: Mapping[str, str], word: str) -> None:
    with pytest.raises(options.OptionError, match=word) as caught:
        options.read([], environment)
    assert "\n" not in str(caught.value)


def test_open_to_others_only_with_a_token() -> None:
    with pytest.raises(options.OptionError, match="TES_DEV_TOKEN"):
        options.read(["--host", "0.0.0.0"], {})
    assert options.read(["--host", "0.0.0.0"], {"TES_DEV_TOKEN": "t"}).host == "0.0.0.0"


def test_worker_command_is_a_line_for_sh_or_words_run_as_they_are() -> None:
    def command(text: str) -> object:
        return options.read([], {"SENTINEL_WORKER_COMMAND": text}).worker_command

    assert command('"work | tee log"') == ("sh", "-c", "work | tee log")
    assert command('["work", "a b"]') == ("work", "a b")
    assert command("") is None


def test_ports_of_the_services_are_read_from_their_variables() -> None:
    environment = {"SENTINEL_PORT_DEV": "3002", "SENTINEL_PORT_MY_WORKER": "9", "SENTINEL_PORT_X": "?"}
    assert options.read([], environment).service_ports == {"dev": 3002, "my-worker": 9}


def test_instances_are_services_and_what_they_have_in_common_is_none() -> None:
    environment = {"SENTINEL_PORT_WEB": "21", "SENTINEL_PORT_WEB_1": "21", "SENTINEL_PORT_WEB_2": "22"}
    assert options.read([], environment).service_ports == {"web-1": 21, "web-2": 22}


def test_the_token_is_not_shown() -> None:
    assert "hunter2" not in repr(options.read([], {"TES_DEV_TOKEN": "hunter2"}))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:3000"),
        ("localhost", "http://127.0.0.1:3000"),
        ("::1", "http://[::1]:3000"),
        ("0.0.0.0", "http://127.0.0.1:3000"),
        ("::", "http://[::1]:3000"),
    ],
)
def test_address_for_processes_of_this_machine(host: str, url: str) -> None:
    assert options.api_url(options.read(["--host", host], {"TES_DEV_TOKEN": "t"})) == url


def test_the_port_is_that_of_the_telemetry_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API imports nothing of ours, and so repeats it: for itself, and for workers that report to it."""
    for name in ("SENTINEL_PORT_TELEMETRY", "WORKER_API_PORT", "WORKER_API_URL"):
        monkeypatch.delenv(name, raising=False)
    assert BUILT_IN["telemetry"]["port"] == options.DEFAULT_PORT
    assert default_url() == f"http://127.0.0.1:{options.DEFAULT_PORT}"
