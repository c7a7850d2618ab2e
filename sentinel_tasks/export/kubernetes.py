"""Manifests for Kubernetes: a Deployment and a Service for what runs, a Job for what is done once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ..model import Service
from . import kubernetes_health as health
from .common import (
    DETACHED,
    HOOKS,
    MASKED,
    WATCH,
    WINDOW,
    has_other_log_limits,
    is_one_shot,
    lost_if_given,
    machine_paths,
    names_loopback,
    size,
    unread_files,
    whole_seconds,
)
from .containers import CODES_LOST, LATE, LOG_LOST, LOOPBACK, MACHINE_PATH, NOTIFY_LOST
from .instances import ALIKE
from .kubernetes_objects import file_secret, literals, secret_name, write
from .kubernetes_waiting import CHECK_LOST, ONCE_LOST, STARTED_LOST, after
from .plan import TOKEN, Plan
from .rows import Loss, Put, Row, Target
from .words import as_words, shell, through_env, words_of

NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*", re.ASCII)
POD_IP = "SENTINEL_POD_IP"
TERM_SECONDS = 3
FILES_LOST = "kubectl takes a line as it stands: quotes, spaces, `$` or `export` in it become part of the value"
REDIRECTS_LOST = "a 3xx counts as healthy too; `expect: [2xx, 3xx]` says the same here"
CODES_DIFFER = "a 3xx counts as alive too; `expect: [2xx, 3xx]` says the same here"
RESTART_LOST = "a Deployment starts it again whatever it ends with, and never gives up"


def _command(plan: Plan, service: Service) -> Iterator[Put]:
    unsayable = {name: value for name, value in plan.environment(service).items() if not NAME.fullmatch(name)}
    words = through_env(words_of(service), unsayable) if unsayable else words_of(service)
    scraped = ["--allow-host", f"$({POD_IP})"] if _is_scraped(plan, service) and _is_embedded(service) else []
    yield Put(("container", "image"), plan.image)
    yield Put(("container", "command"), [*literals(words), *scraped])


def _is_embedded(service: Service) -> bool:
    return "sentinel_tasks.api" in service.command and not isinstance(service.command, str)


def _is_scraped(plan: Plan, service: Service) -> bool:
    return plan.options.metrics and service.counts_workers and service.name in plan.ports


def _folder(plan: Plan, service: Service) -> Iterator[Put]:
    yield Put(("container", "workingDir"), plan.inside(service.cwd))


def _environment(plan: Plan, service: Service) -> Iterator[Put]:
    named = {name: value for name, value in plan.environment(service).items() if NAME.fullmatch(name)}
    given = [{"name": name, "value": value} for name, value in zip(named, literals(named.values()), strict=True)]
    address = {"name": POD_IP, "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    secret = [_reference(plan, service, name) for name in plan.secrets[service.name]]
    yield Put(("container", "env"), [*([address] if _is_scraped(plan, service) else []), *secret, *given])


def _reference(plan: Plan, service: Service, name: str) -> dict[str, object]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret_name(plan, service), "key": name}}}


def _files(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    names = [file_secret(plan, service, number) for number, _ in enumerate(service.env_files, 1)]
    if names:
        yield Put(("container", "envFrom"), [{"secretRef": {"name": name}} for name in names])
    yield from unread_files(plan, service)


def _port(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    if (port := plan.ports.get(service.name)) is not None:
        yield Put(("container", "ports"), [{"containerPort": port}])
        yield Put(("service", "ports"), [{"port": port, "targetPort": port}])
        yield from [Loss()] if names_loopback(service) else []


def _memory(plan: Plan, service: Service) -> Iterator[Put]:
    if service.memory_limit is not None:
        yield Put(("container", "resources", "limits", "memory"), size(service.memory_limit, ("Ki", "Mi", "Gi")))


def _startup_timeout(plan: Plan, service: Service) -> Iterator[Loss]:
    if is_one_shot(service):
        yield Loss()


def _restart(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    if is_one_shot(service):
        yield Put(("job", "backoffLimit"), 0 if service.restart == "never" else 10)
        yield Put(("pod", "restartPolicy"), "Never" if service.restart == "never" else "OnFailure")
    elif service.restart != "always":
        yield Loss()


def _stop_signal(plan: Plan, service: Service) -> Iterator[Put]:
    if not is_one_shot(service):
        asking = shell(f"kill -{service.stop_signal} 1; sleep {whole_seconds(service.stop_timeout)}")
        words = asking if service.stop_command is None else as_words(service.stop_command)
        yield Put(("container", "lifecycle"), {"preStop": {"exec": {"command": [*literals(words)]}}})


def _stop_timeout(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    yield Put(("pod", "terminationGracePeriodSeconds"), whole_seconds(service.stop_timeout) + TERM_SECONDS)
    if whole_seconds(service.stop_timeout) != service.stop_timeout:
        yield Loss()


def _instances(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    if service.instances:
        keys = (
            [("job", "completions"), ("job", "parallelism")] if is_one_shot(service) else [("deployment", "replicas")]
        )
        yield from (Put(at, service.instances) for at in keys)
        yield Loss()


def _autostart(plan: Plan, service: Service) -> Iterator[Put]:
    if not plan.is_started(service):
        kind = "job" if is_one_shot(service) else "deployment"
        yield Put((kind, "suspend"), True) if kind == "job" else Put((kind, "replicas"), 0)


def _logs(plan: Plan, service: Service) -> Iterator[Loss]:
    if has_other_log_limits(service):
        yield Loss()


def _metrics(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    if _is_scraped(plan, service):
        told = {"scrape": "true", "port": str(plan.ports[service.name]), "path": "/metrics"}
        yield Put(("annotations",), {f"prometheus.io/{key}": value for key, value in told.items()})
        if TOKEN in plan.secrets[service.name]:
            yield Loss()


def _waiting(condition: str) -> Callable[[Plan, Service], Iterator[Put | Loss]]:
    """The row of one kind of dependency."""

    def say(plan: Plan, service: Service) -> Iterator[Put | Loss]:
        for needed in plan.needed(service, condition):
            yield from after(plan, needed, condition)

    return say


ROWS = (
    Row("title", "nothing: an object has no title"),
    Row("command", "`command:`, `$` doubled", _command),
    MASKED,
    Row(MACHINE_PATH.fact, MACHINE_PATH.becomes, machine_paths, MACHINE_PATH.lost),
    Row("cwd", "`workingDir:` below `/app`", _folder),
    Row("env", "`env:`, `$` doubled; `env` in `command:` for a name it does not take", _environment),
    Row(
        "env_file", "`envFrom: secretRef`, made by `kubectl create secret generic --from-env-file`", _files, FILES_LOST
    ),
    Row("a secret variable", "`secretKeyRef`, listed in `NAME.env.example`"),
    Row("the caller's environment", "nothing: the image's"),
    Row("port", "`PORT`, `containerPort:` and a Service; an automatic one is fixed", _port, LOOPBACK),
    Row("ports and addresses of the others", "`SENTINEL_PORT_*`, `SENTINEL_URL_*` with the services' names as hosts"),
    Row(
        "health: a path or URL",
        "startup and readiness probe: `httpGet`, or curl (in the image) for other statuses than 2xx and 3xx",
        health.http,
        REDIRECTS_LOST,
    ),
    Row("health: tcp", "startup and readiness probe: `tcpSocket`", health.tcp),
    Row("health: command", "startup and readiness probe: `exec`", health.command),
    Row("health: log", "`minReadySeconds: 1`", health.log, LOG_LOST),
    Row("health: notify", "`minReadySeconds: 1`", health.notify, NOTIFY_LOST),
    Row("health: exit", "a Job; an init container where others wait for it"),
    Row("health: null", "`minReadySeconds: 1`", health.up),
    Row("liveness", "the liveness probe; for a `watchdog` or `log` nothing", health.liveness, CODES_DIFFER),
    Row("limits: memory", "`resources: limits:`; the kernel kills what needs more", _memory),
    Row("limits: nofile", "nothing", lost_if_given("nofile_limit"), "it has the node's own"),
    Row(
        "startup_timeout",
        "the startup probe's `failureThreshold:`; what is late is started again",
        _startup_timeout,
        LATE,
    ),
    Row(
        "depends_on: healthy",
        "an init container that asks from outside, with curl, nc or bash",
        _waiting("healthy"),
        CHECK_LOST,
    ),
    Row("depends_on: started", "nothing", _waiting("started"), STARTED_LOST),
    Row("depends_on: completed", "the one-shot as an init container", _waiting("completed"), ONCE_LOST),
    Row(
        "restart", "a Deployment's `Always`, after a pause that grows; a Job's `backoffLimit:`", _restart, RESTART_LOST
    ),
    Row("stop_signal", "`preStop` sends it to process 1 and waits; then TERM", _stop_signal),
    Row(
        "stop_timeout",
        "`terminationGracePeriodSeconds:`, three seconds more for TERM, then KILL",
        _stop_timeout,
        "only whole seconds: it is rounded up",
    ),
    Row("stop_command", "`preStop` runs it in place of the signal"),
    Row("success_codes", "nothing", lost_if_given("success_codes"), CODES_LOST),
    HOOKS,
    DETACHED,
    WATCH,
    Row("log_max_mb, log_backups", "the kubelet's own limits", _logs, "the kubelet keeps what its own limits say"),
    Row("worker_command", "`SENTINEL_WORKER_COMMAND`"),
    Row(
        "instances",
        "`replicas:`; `completions:` and `parallelism:` of a Job",
        _instances,
        f"{ALIKE}; who waits for them waits for one",
    ),
    Row("autostart", "`replicas: 0`, or `suspend:` of a Job, where it is false", _autostart),
    WINDOW,
    Row("--metrics", "`prometheus.io/*` annotations", _metrics, "a scrape by annotation sends no X-TES-Dev-Token"),
)

TARGET = Target("kubernetes", ROWS, write, hosts=True, copies="all")
