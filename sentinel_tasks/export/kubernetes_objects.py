"""The objects that Kubernetes is given, from the settings of each service."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..model import Service
from .common import is_one_shot
from .plan import Plan, host_name
from .rows import Part, Put, Settings, nested
from .yaml_text import document

Object = dict[str, Any]


def literals(texts: Iterable[str]) -> list[str]:
    """The texts where Kubernetes puts a variable in the place of `$(NAME)`."""
    return [text.replace("$", "$$") for text in texts]


def label(plan: Plan) -> str:
    """The workspace's name as a label's value, and as the beginning of other names."""
    return plan.stem.lower().replace("_", "-").strip("-")


def secret_name(plan: Plan, service: Service) -> str:
    """The Secret that has the variables that must be provided."""
    return f"{label(plan)}-{host_name(service.name)}"


def file_secret(plan: Plan, service: Service, number: int) -> str:
    """The Secret that is made from one of the service's files of variables."""
    return f"{secret_name(plan, service)}-file-{number}"


def write(plan: Plan, settings: Settings) -> Iterable[Part]:
    """A file for each service that is not run as an init container of another."""
    within = {put.at[1] for puts in settings.values() for put in puts if put.at[0] == "before" and put.value is None}
    for service in plan.services:
        if service.name not in within:
            objects = [_workload(plan, service, settings), *_service(plan, service, settings)]
            text = "---\n".join(document(each) for each in objects)
            yield Part(
                f"{host_name(service.name)}.yaml", text, _told(service.name, settings), tuple(_notes(plan, service))
            )


def _told(name: str, settings: Settings) -> tuple[str, ...]:
    """The service, and the one-shots that are run within it."""
    within = [put.at[1] for put in settings[name] if put.at[0] == "before" and put.value is None]
    return (*(each for one in within for each in _told(one, settings)), name)


def _notes(plan: Plan, service: Service) -> Iterator[str]:
    if plan.options.image is None:
        yield f"Build the image {plan.image} first, with the workspace in it"
    for number, path in enumerate(service.env_files, 1):
        name = file_secret(plan, service, number)
        yield f"Provide it: kubectl create secret generic {name} --from-env-file={plan.relative(path)}"


def _workload(plan: Plan, service: Service, settings: Settings) -> Object:
    labels = _labels(plan, service)
    kind = "job" if is_one_shot(service) else "deployment"
    template = {"metadata": _annotated(labels, settings[service.name]), "spec": _pod(plan, service, settings)}
    own = nested(_below(settings[service.name], kind))
    if kind == "job":
        return _object("batch/v1", "Job", service, labels, {**own, "template": template})
    fixed = {"replicas": 1, "strategy": {"type": "Recreate"}, "selector": {"matchLabels": labels}}
    return _object("apps/v1", "Deployment", service, labels, {**fixed, **own, "template": template})


def _annotated(labels: Object, puts: Sequence[Put]) -> Object:
    found = next((put.value for put in puts if put.at == ("annotations",)), None)
    return {"labels": labels, **({"annotations": found} if found else {})}


def _labels(plan: Plan, service: Service) -> Object:
    names = {"name": host_name(service.name), "part-of": label(plan), "managed-by": "sentinel-tasks"}
    return {f"app.kubernetes.io/{key}": value for key, value in names.items()}


def _object(version: str, kind: str, service: Service, labels: Object, spec: Object) -> Object:
    metadata = {"name": host_name(service.name), "labels": labels}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _pod(plan: Plan, service: Service, settings: Settings) -> Object:
    puts = settings[service.name]
    before = list(_before(plan, service.name, settings).values())
    own = nested(_below(puts, "pod"))
    containers = [_container(service.name, puts)]
    waiting = {"initContainers": before} if before else {}
    return {"enableServiceLinks": False, **own, **waiting, "containers": containers}


def _before(plan: Plan, name: str, settings: Settings) -> dict[str, Object]:
    """The init containers by name, each once: what a one-shot waits for comes before it."""
    found: dict[str, Object] = {}
    for put in settings[name]:
        if put.at[0] == "before":
            found |= _before(plan, put.at[1], settings) if put.value is None else {}
            found[put.at[1]] = _init(plan, put, settings)
    return found


def _init(plan: Plan, put: Put, settings: Settings) -> Object:
    if put.value is None:
        one_shot = _container(put.at[1], settings[put.at[1]])
        return {key: value for key, value in one_shot.items() if key != "ports"}
    return {"name": f"wait-for-{host_name(put.at[1])}"[:63].rstrip("-"), "image": plan.image, "command": put.value}


def _container(name: str, puts: Sequence[Put]) -> Object:
    return {"name": host_name(name), **nested(_below(puts, "container"))}


def _below(puts: Iterable[Put], section: str) -> list[Put]:
    return [Put(put.at[1:], put.value) for put in puts if put.at[0] == section]


def _service(plan: Plan, service: Service, settings: Settings) -> Iterator[Object]:
    """What gives it a name in the network."""
    if own := nested(_below(settings[service.name], "service")):
        labels = _labels(plan, service)
        yield _object("v1", "Service", service, labels, {"selector": labels, **own})
