"""The first tasks file of a folder, and its first configuration, as texts (contract: Tasks, Init). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..export.yaml_text import document
from ..text.sanitize import plain
from .compose_file import Found
from .first_services import TELEMETRY_PORT, Folder

TASKS, CONFIGURATION = "tasks.py", "invoke.yaml"
TELEMETRY = "telemetry"
SENTENCE = '"""The services of this folder: `inv up` starts them, `inv ps` tells who runs, `inv down` ends them."""'
HEAD = "# What `inv up` starts. `inv schema` prints every key that may stand here.\n"


def first_files(folder: Folder, with_telemetry: bool) -> dict[str, str]:
    """The texts by the names of their files; `with_telemetry` also has the Worker Telemetry API watch them."""
    services = [*folder.services, *([_telemetry(folder)] if with_telemetry else [])]
    return {TASKS: f"{SENTENCE}\n\n{namespace(folder, with_telemetry)}", CONFIGURATION: _configuration(services)}


def namespace(folder: Folder, with_telemetry: bool) -> str:
    """The lines of a tasks file that declare the services; the configuration alone declares the others."""
    of_procfile = [f"*from_procfile({_argument(folder.procfile)})"] if folder.procfile else []
    named = [*(["dev"] if folder.has_dev else []), *([TELEMETRY] if with_telemetry else [])]
    imported = [*(["from_procfile"] if folder.procfile else []), *named, "workspace"]
    imports = ", ".join(sorted(imported))
    return f"from sentinel_tasks import {imports}\n\nnamespace = workspace({', '.join([*of_procfile, *named])})\n"


def _argument(procfile: str) -> str:
    return "" if procfile == "Procfile" else f'"{procfile}"'


def _telemetry(folder: Folder) -> Found:
    """The API on its usual port, or on any where a service has that one."""
    port = "auto" if TELEMETRY_PORT in folder.ports else TELEMETRY_PORT
    return Found(TELEMETRY, {"port": port}, "the Worker Telemetry API and its page")


def _configuration(services: list[Found]) -> str:
    lines = [line for each in services for line in _of(each)]
    return HEAD + "".join(f"{line}\n" for line in ["sentinel:", "  services:", *lines])


def _of(service: Found) -> Iterator[str]:
    """A comment that says where the service comes from, and its keys."""
    yield f"    {service.name}:"
    yield f"      # {plain(' '.join(service.why.split()))}"
    yield from (f"      {line}" for line in document(service.settings).splitlines())
