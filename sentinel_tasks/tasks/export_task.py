"""`export`: the workspace as the files of an engine that goes on where one machine ends (contract: Export)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.tasks import task

from ..verbs.console import Console
from .boundary import run
from .declared import OwnTask

if TYPE_CHECKING:
    from ..errors import Problem
    from ..export import Exported
    from ..model import Workspace

PLAIN_LINE = r"(?a)\s*(#.*)?|[A-Za-z_][A-Za-z0-9_]*=[A-Za-z0-9_./:@,+%=-]*"
"""A line of a file of variables that dotenv, shells, systemd, Compose and kubectl read alike."""

LARGEST_FILE = 1 << 20

HELP = {
    "target": "systemd, supervisord, compose, kubernetes or procfile",
    "to": "the folder for the files (deploy/TARGET in the workspace)",
    "image": "the container image, for compose and kubernetes",
    "only": "these services, separated by commas, and what they need",
    "strict": "fail, and write nothing, if anything gets lost",
    "force": "overwrite files that were changed by hand",
    "metrics": "let Prometheus watch it, for compose and kubernetes",
    "json": "one JSON document on stdout",
}


@task(klass=OwnTask, positional=["target"], help=HELP, auto_shortflags=False)
def export(
    c: Context,
    target: str,
    to: str | None = None,
    image: str | None = None,
    only: str | None = None,
    strict: bool = False,
    force: bool = False,
    metrics: bool = False,
    json: bool = False,
) -> None:
    """Write the services down for systemd, supervisord, compose, kubernetes or a Procfile."""
    run(c, json, lambda console: _export(console, target, to, image, only, strict, force, metrics))


export.verb = export.name


def _export(
    console: Console,
    target: str,
    to: str | None,
    image: str | None,
    only: str | None,
    strict: bool,
    force: bool,
    metrics: bool,
) -> int:
    from ..errors import ConfigurationError, Problem
    from ..export import Options, one_line
    from ..export import export as exported

    workspace = console.workspace()
    names = None if only is None else tuple(dict.fromkeys(name.strip() for name in only.split(",")))
    if problems := list(_problems(workspace, target, image, names, metrics)):
        raise ConfigurationError(problems)
    folder = Path(os.path.abspath(to)) if to else Path(workspace.path, "deploy", target)
    options = Options(names, image, metrics, os.path.realpath(folder), _plain_files(workspace))
    try:
        found = exported(workspace, target, options)
    except UnicodeEncodeError as reason:
        raise ConfigurationError(
            [Problem("export", target, "the configuration holds bytes that are no text")]
        ) from reason
    if strict and found.losses:
        raise ConfigurationError(_as_problems(found))
    for lost in found.losses:
        console.diagnostic(f"{console.err.sign('warn')} {one_line(str(lost))}")
    return _give(console, folder, found, force)


def _give(console: Console, folder: Path, found: Exported, force: bool) -> int:
    """Writes the files, or with `--dry` shows them."""
    if console.dry:
        written = []
        for path, text in found.files.items():
            console.result(f"==> {folder / path} <==\n{text}")
    else:
        written = write(folder, found.files, force)
        console.result("\n".join(f"{folder / path}" for path in found.files))
        for name in _left_over(folder, found.files):
            console.diagnostic(f"{console.err.sign('warn')} of an earlier export: {folder / name}")
    console.document(_document(folder, found, written))
    return 0


def _document(folder: Path, found: Exported, written: Sequence[str]) -> dict[str, object]:
    lost = [{"service": each.service, "fact": each.fact, "reason": each.why} for each in found.losses]
    provide = {name: list(names) for name, names in found.provide.items()}
    return {
        "folder": str(folder), "files": dict(found.files), "written": written, "lost": lost, "provide": provide,
        "error": None,
    }  # fmt: skip


def _as_problems(found: Exported) -> list[Problem]:
    from ..errors import Problem

    return [Problem("--strict", f"{each.service}: {each.fact}", each.why) for each in found.losses]


def _problems(
    workspace: Workspace, target: str, image: str | None, names: Sequence[str] | None, metrics: bool
) -> Iterator[Problem]:
    from ..config.problems import Problems
    from ..errors import Problem
    from ..export import TARGETS

    found = Problems()
    known = [*(service.name for service in workspace.services), *workspace.templates]
    for name in (name for name in names or () if name not in known):
        found.unknown("--only", name, "service", known, name)
    if target not in TARGETS:
        found.unknown("export", target, "target", TARGETS, target)
    yield from found.problems
    in_containers = target not in TARGETS or TARGETS[target].hosts
    if image is not None and (not in_containers or not image or not image.isprintable() or " " in image):
        yield Problem("--image", image, "must be an image's name, for compose or kubernetes")
    if metrics and not (in_containers and any(service.counts_workers for service in workspace.services)):
        yield Problem("--metrics", metrics, "is for compose and kubernetes, and for the Worker Telemetry API")


def _plain_files(workspace: Workspace) -> frozenset[str]:
    """The files of variables that are the same for every reader; their values go no further than here."""
    return frozenset(path for service in workspace.services for path in service.env_files if _is_plain(path))


def _is_plain(path: str) -> bool:
    try:
        return all(re.fullmatch(PLAIN_LINE, line) for line in Path(path).read_text(encoding="utf-8").split("\n"))
    except (OSError, UnicodeError):
        return False


def write(folder: Path, files: Mapping[str, str], force: bool) -> list[str]:
    """Writes what is new or has changed, all or nothing: SentinelError if one was changed by hand."""
    from ..errors import SentinelError
    from ..export import is_ours

    before = {path: _read(folder / path) for path in files}
    changed = [path for path, text in before.items() if text not in (None, files[path]) and not is_ours(text or "")]
    if changed and not force:
        named = ", ".join(str(folder / path) for path in changed)
        raise SentinelError(f"changed by hand, or not made by an export: {named}", "--force overwrites them")
    written = [path for path, text in files.items() if before[path] != text]
    folder.mkdir(parents=True, exist_ok=True)
    for path in written:
        _replace(folder / path, files[path])
    return written


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None


def _replace(path: Path, text: str) -> None:
    """Whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(text.encode())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _left_over(folder: Path, files: Iterable[str]) -> list[str]:
    """What an earlier export made there and this one did not."""
    from ..export import is_ours

    others = (path for path in folder.iterdir() if path.is_file() and path.name not in files)
    return sorted(path.name for path in others if path.stat().st_size < LARGEST_FILE and is_ours(_read(path) or ""))
