"""A Compose file: a service a container, reached by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..model import Service
from . import checks, prometheus
from .common import (
    DETACHED,
    HOOKS,
    MASKED,
    WATCH,
    WINDOW,
    is_one_shot,
    lost_if_given,
    machine_paths,
    names_loopback,
    seconds,
    size,
    unread_files,
)
from .containers import CODES_LOST, LATE, LOG_LOST, LOOPBACK, MACHINE_PATH, NOTIFY_LOST, STARTED_IN_TIME
from .instances import ALIKE
from .plan import TOKEN, Plan, host_name
from .rows import Loss, Part, Put, Row, Settings, Target, nested
from .words import as_words, shell, words_of
from .yaml_text import document

NO_PORT = f"{ALIKE}; of several none has a port of the machine: the other services reach them by their name"
LIVENESS_LOST = "what no longer answers is unhealthy, and goes on"
RESTARTS = {"never": "no", "on-failure": "on-failure:10", "always": "unless-stopped"}
Check = str | tuple[str, ...]


def literal(text: str) -> str:
    """The text where Compose puts variables in the place of `$`."""
    return text.replace("$", "$$")


def _literals(words: Iterable[str]) -> list[str]:
    return [literal(word) for word in words]


def _image(plan: Plan, service: Service) -> Iterator[Put]:
    yield Put(("image",), literal(plan.image))
    if plan.options.image is None:
        yield Put(("build",), literal(plan.relative(plan.workspace.path)))


def _command(plan: Plan, service: Service) -> Iterator[Put]:
    yield from _image(plan, service)
    yield Put(("init",), True)
    yield Put(("entrypoint",), [])
    yield Put(("command",), _literals(words_of(service)))


def _folder(plan: Plan, service: Service) -> Iterator[Put]:
    yield Put(("working_dir",), literal(plan.inside(service.cwd)))


def _environment(plan: Plan, service: Service) -> Iterator[Put]:
    yield Put(("environment",), {name: literal(value) for name, value in plan.environment(service).items()})


def _files(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    own = [f"./{service.name}.env"] if plan.secrets[service.name] else []
    if files := [*(literal(plan.relative(path)) for path in service.env_files), *own]:
        yield Put(("env_file",), files)
    yield from unread_files(plan, service)


def _port(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    if (port := plan.ports.get(service.name)) is not None:
        several = service.instances > 1
        yield Put(("expose",), [str(port)]) if several else Put(("ports",), [f"127.0.0.1:{port}:{port}"])
        yield from [Loss()] if names_loopback(service) else []


def _asks(kind: str, check: Callable[[Plan, Service], Check]) -> Callable[[Plan, Service], Iterator[Put]]:
    """The row of one kind of health check."""

    def say(plan: Plan, service: Service) -> Iterator[Put]:
        if service.health.kind == kind:
            asked = check(plan, service)
            words = shell(asked) if isinstance(asked, str) else asked
            yield Put(("healthcheck", "test"), ["CMD", *_literals(words)])

    return say


def _http(plan: Plan, service: Service) -> Check:
    return checks.http(service, plan.ports.get(service.name))


def _tcp(plan: Plan, service: Service) -> Check:
    return checks.tcp(plan.ports.get(service.name))


def _given(plan: Plan, service: Service) -> Check:
    return service.health.target


def _stays_up(plan: Plan, service: Service) -> Check:
    return ("true",)


def _log(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    yield from _asks("log", _stays_up)(plan, service)
    if service.health.kind == "log":
        yield Loss()


def _notify(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    yield from _asks("notify", _stays_up)(plan, service)
    if service.health.kind == "notify":
        yield Loss()


def _memory(plan: Plan, service: Service) -> Iterator[Put]:
    if service.memory_limit is not None:
        yield Put(("mem_limit",), size(service.memory_limit, ("k", "m", "g")))


def _nofile(plan: Plan, service: Service) -> Iterator[Put]:
    if service.nofile_limit is not None:
        yield Put(("ulimits", "nofile"), service.nofile_limit)


def _startup_timeout(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    if is_one_shot(service):
        yield Loss()
    else:
        yield Put(("healthcheck", "start_period"), seconds(service.startup_timeout))
        yield Put(("healthcheck", "start_interval"), "1s")
        yield Put(("healthcheck", "interval"), "5s")
        yield Put(("healthcheck", "timeout"), "2s")
        yield Put(("healthcheck", "retries"), 1)


def _after(condition: str) -> Callable[[Plan, Service], Iterator[Put]]:
    """The row of one kind of dependency; a one-shot is healthy once it is done."""
    names = {"started": "service_started", "healthy": "service_healthy", "completed": "service_completed_successfully"}

    def say(plan: Plan, service: Service) -> Iterator[Put]:
        for needed in plan.needed(service, condition):
            wanted = "completed" if condition == "healthy" and is_one_shot(needed) else condition
            yield Put(("depends_on", host_name(needed.name), "condition"), names[wanted])

    return say


def _restart(plan: Plan, service: Service) -> Iterator[Put]:
    yield Put(("restart",), RESTARTS[service.restart])


def _stop_signal(plan: Plan, service: Service) -> Iterator[Put]:
    yield Put(("stop_signal",), f"SIG{service.stop_signal}")


def _stop_command(plan: Plan, service: Service) -> Iterator[Put]:
    if service.stop_command is not None:
        yield Put(("pre_stop",), [{"command": _literals(as_words(service.stop_command))}])


def _stop_timeout(plan: Plan, service: Service) -> Iterator[Put]:
    yield Put(("stop_grace_period",), seconds(service.stop_timeout))


def _instances(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    if service.instances:
        yield Put(("deploy", "replicas"), service.instances)
        yield Loss()


def _autostart(plan: Plan, service: Service) -> Iterator[Put]:
    if not plan.is_started(service):
        yield Put(("profiles",), [service.name])


def _logs(plan: Plan, service: Service) -> Iterator[Put]:
    yield Put(("logging", "driver"), "json-file")
    yield Put(("logging", "options", "max-size"), f"{max(1, service.log_max_bytes // 1000)}k")
    yield Put(("logging", "options", "max-file"), str(service.log_backups + 1))


ROWS = (
    Row("title", "nothing: a service has no title"),
    Row("command", "`command:`, with no entrypoint of the image before it; `init: true`", _command),
    MASKED,
    Row(MACHINE_PATH.fact, MACHINE_PATH.becomes, machine_paths, MACHINE_PATH.lost),
    Row("cwd", "`working_dir:` below `/app`", _folder),
    Row("env", "`environment:`", _environment),
    Row(
        "env_file",
        "`env_file:`",
        _files,
        "Compose has a syntax of its own: quotes, spaces, `$` or `\\` in a line may be read in another way",
    ),
    Row("a secret variable", "`env_file: NAME.env`, listed in `NAME.env.example`"),
    Row("the caller's environment", "nothing: the image's"),
    Row("port", "`PORT`, and `ports:` on loopback; an automatic one is fixed", _port, LOOPBACK),
    Row("ports and addresses of the others", "`SENTINEL_PORT_*`, `SENTINEL_URL_*` with the services' names as hosts"),
    Row("health: a path or URL", "`healthcheck:` with curl (in the image)", _asks("http", _http)),
    Row("health: tcp", "`healthcheck:` with nc or bash (in the image)", _asks("tcp", _tcp)),
    Row("health: command", "`healthcheck:`", _asks("command", _given)),
    Row("health: log", "`healthcheck:` of `true`", _log, LOG_LOST),
    Row("health: notify", "`healthcheck:` of `true`", _notify, NOTIFY_LOST),
    Row("health: exit", "`service_completed_successfully` where others wait for it"),
    Row("health: null", "`healthcheck:` of `true`, asked after a second", _asks("up", _stays_up)),
    Row("liveness", "nothing", lost_if_given("liveness", "watchdog"), LIVENESS_LOST),
    Row("limits: memory", "`mem_limit:`; the kernel kills what needs more", _memory),
    Row("limits: nofile", "`ulimits:`", _nofile),
    Row("startup_timeout", f"`start_period:`; {STARTED_IN_TIME}", _startup_timeout, LATE),
    Row("depends_on: healthy", "`condition: service_healthy`", _after("healthy")),
    Row("depends_on: started", "`condition: service_started`", _after("started")),
    Row("depends_on: completed", "`condition: service_completed_successfully`", _after("completed")),
    Row("restart", "`restart:` no, on-failure:10 or unless-stopped, after a pause that grows", _restart),
    Row("stop_signal", "`stop_signal:`", _stop_signal),
    Row("stop_timeout", "`stop_grace_period:`, then KILL", _stop_timeout),
    Row("stop_command", "`pre_stop:`; the stop signal follows", _stop_command),
    Row("success_codes", "nothing", lost_if_given("success_codes"), CODES_LOST),
    HOOKS,
    DETACHED,
    WATCH,
    Row("log_max_mb, log_backups", "`logging:` of json-file", _logs),
    Row("worker_command", "`SENTINEL_WORKER_COMMAND`"),
    Row("instances", "`deploy: replicas:`, and `expose:` in place of a port of the machine", _instances, NO_PORT),
    Row("autostart", "`profiles:` of its own name where it is false", _autostart),
    WINDOW,
    Row("--metrics", "the service `prometheus` and its `prometheus.yml`"),
)


def write(plan: Plan, settings: Settings) -> Iterable[Part]:
    """The one file, and Prometheus's own if it was asked for."""
    services = {host_name(name): nested(puts) for name, puts in settings.items()}
    whole: dict[str, Any] = {"name": plan.stem.lower(), "services": services}
    if plan.options.metrics:
        whole = prometheus.added(plan, whole)
        yield Part("prometheus.yml", document(prometheus.configuration(plan)), prometheus.scraped(plan))
    yield Part("compose.yaml", document(whole), tuple(settings), tuple(_notes(plan)))


def _notes(plan: Plan) -> Iterator[str]:
    if plan.options.image is None:
        yield "Build it first: docker compose build (there must be a Dockerfile in the workspace)"
    if plan.options.metrics and prometheus.has_token(plan):
        yield f"Prometheus takes {TOKEN} from the environment of docker compose; it must be the service's own"


TARGET = Target("compose", ROWS, write, hosts=True, copies="all")
