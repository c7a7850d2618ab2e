"""A workspace as Invoke read it last, kept so that a program without Invoke can tell of its services.

Contract: The program sentinel, What it remembers. No value of a variable is kept, nor what a name or a shape gives away
as secret: digests stand for what a service was started with.
"""

import os
import sys
from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ..model import Service, Typed, Workspace
from ..names import PORT_VARIABLES, digest
from ..system.decoding import from_json
from ..system.state_folder import State
from .digests import digests_of_keys, keyed_digest

VERSION = 2
"""Of what is kept and how secrets are masked in it: another one is not read."""
TOKEN = "TES_DEV_TOKEN"
VARIABLES = frozenset({
    "WORKSPACE_FOLDER", "SENTINEL_WORKSPACE", "PORT", "VIRTUAL_ENV", "XDG_STATE_HOME", *PORT_VARIABLES.values()
})  # fmt: skip
"""What decides on a configuration beside the variables that begin with `INVOKE_`."""
OF_PROJECTS = (
    "package.json", "bun.lock", "bun.lockb", "pnpm-lock.yaml", "pnpm-workspace.yaml", "yarn.lock", "package-lock.json",
    "npm-shrinkwrap.json", "manage.py", "Procfile", "Procfile.dev", ".env", "pyproject.toml", "uv.lock", "poetry.lock",
    "pdm.lock", "Pipfile", "pixi.lock", ".venv/pyvenv.cfg", "venv/pyvenv.cfg",
)  # fmt: skip
"""What a default command is chosen by, in the workspace and the folders above it."""
SUFFIXES = ("yaml", "yml", "json", "py")
LEVELS_ABOVE = 3

State3 = tuple[int, int, int]
"""Of a file: when it was changed (nanoseconds), its size, its inode; zeros if there is none."""


class Remembered(Struct, frozen=True):
    """A workspace, and what must be as it was for that to be what Invoke would read now.

    `made_of` is a digest of all that this was made of, with the salt of the workspace's state folder.
    `unkept` are services whose health check needs a value that is not kept. `keys` are the digests of each service's
    keys, with that salt too.
    """

    version: int
    made_of: str
    project: str
    tasks_file: bool
    files: dict[str, State3]
    variables: str
    program: str
    python: str
    names: tuple[tuple[str, str, str], ...] | None
    verb_first: bool
    unkept: tuple[str, ...]
    keys: dict[str, dict[str, str]]
    workspace: Workspace

    @property
    def typed(self) -> Typed:
        """How a person types the tasks, as it was when this was kept."""
        names = None if self.names is None else {(service, verb): name for service, verb, name in self.names}
        return Typed(self.program, names, self.python, self.verb_first)

    def is_current(self, environ: Mapping[str, str]) -> bool:
        """True if all that it was read from is as it was, as far as that can be seen without reading it again."""
        return self.variables == digest_of_variables(environ) and all(
            _state(path) == state for path, state in self.files.items()
        )


def remembered(state: State) -> Remembered | None:
    """What was kept last; None if nothing readable is there."""
    try:
        found = from_json(state.workspace(), Remembered)
    except ValueError:
        return None
    return found if found.version == VERSION else None


def remember(state: State, workspace: Workspace, project: str, tasks_file: bool, environ: Mapping[str, str]) -> None:
    """Keeps the workspace, if its state folder is there and everything of it can be told in UTF-8."""
    salt, typed, whole = state.make_salt(), workspace.typed, replace(workspace, typed=Typed())
    files = {path: _state(path) for path in dict.fromkeys(_read_from(project, workspace, state))}
    names = None if typed.names is None else tuple(sorted((*key, name) for key, name in typed.names.items()))
    read_from = (project, tasks_file, files, digest_of_variables(environ), typed.program, typed.python, names)
    try:
        content = msgspec.json.encode((VERSION, *read_from, typed.verb_first, whole))
    except UnicodeEncodeError:
        return state.note_workspace(b"")
    made_of = keyed_digest(salt, "workspace", content)
    if f'"made_of":"{made_of}"'.encode() in state.workspace():
        return None
    found = Remembered(
        VERSION, made_of, *read_from, typed.verb_first,
        tuple(each.name for each in workspace.services if _needs_a_value(each)),
        {each.name: digests_of_keys(each, salt) for each in workspace.services},
        replace(whole, services=tuple(_without_secrets(each) for each in workspace.services)),
    )  # fmt: skip
    return state.note_workspace(msgspec.json.encode(found))


# What it is read from


def digest_of_variables(environ: Mapping[str, str]) -> str:
    """Of the values of all variables that decide on a configuration."""
    own = sorted((name, text) for name, text in environ.items() if name.startswith("INVOKE_") or name in VARIABLES)
    return digest(repr(own))


def _read_from(project: str, workspace: Workspace, state: State) -> Iterator[str]:
    yield str(state.scales_file)
    for place in ("/etc/invoke", os.path.expanduser("~/.invoke"), os.path.join(project, "invoke")):
        yield from (f"{place}.{suffix}" for suffix in SUFFIXES)
    yield from (os.path.join(project, *words) for words in (("tasks.py",), ("tasks", "__init__.py")))
    folder = workspace.path
    for _ in range(1 + LEVELS_ABOVE):
        yield from (os.path.join(folder, name) for name in OF_PROJECTS)
        folder = os.path.dirname(folder)
    yield from _modules()


def _modules() -> Iterator[str]:
    """The files of the tasks file, and of whatever it imports that nobody installed."""
    installed = tuple({sys.prefix, sys.base_prefix, *(path for path in sys.path if "-packages" in path)})
    ours = os.path.dirname(os.path.dirname(__file__))
    for module in [*sys.modules.values()]:
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and not file.startswith((*installed, ours)):
            yield file


def _state(path: str) -> State3:
    try:
        found = os.stat(path)
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino


# What is kept


def _without_secrets(service: Service) -> Service:
    """The service with what a report tells of it; nobody starts it from this."""
    return replace(
        service,
        env=tuple((name, "") for name, _ in service.env),
        command=_shown(service.command),
        health=service.health if _is_plain(service.health.target) else replace(service.health, target=""),
        stop_command=None, hooks=(), liveness=None, on_change=None, worker_command=None,
    )  # fmt: skip


def _needs_a_value(service: Service) -> bool:
    """True if its health can't be asked about with what is kept."""
    target = service.health.target
    if not _is_plain(target):
        return True
    is_expanded = any(
        "$" in text for text in (*((target,) if isinstance(target, str) else target), service.cwd_template)
    )
    is_seen = is_expanded or service.health.kind == "command" or any(name == TOKEN for name, _ in service.env)
    return bool(service.env) and is_seen


def _is_plain(target: str | tuple[str, ...]) -> bool:
    return target == _shown(target)


def _shown(command: str | tuple[str, ...]) -> str | tuple[str, ...]:
    from ..text.masking import masked, masked_text

    return masked_text(command) if isinstance(command, str) else tuple(masked(command))
