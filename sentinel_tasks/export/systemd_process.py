"""The words with which systemd starts a service's process, or asks after it in the same folder and environment."""

from __future__ import annotations

from ..model import Service
from .plan import Plan
from .rows import Put
from .systemd_text import is_plain_folder
from .words import NAME, in_folder, through_env


def put(section: str, key: str, value: object) -> Put:
    """One line of a section."""
    return Put((section, key), str(value))


def started(plan: Plan, service: Service, words: tuple[str, ...]) -> tuple[str, ...]:
    """The words in the service's folder and with its variables, as far as no line of their own says so."""
    environment = plan.environment(service)
    inline = {name: value for name, value in environment.items() if is_inline(service, name)}
    words = through_env(words, inline)
    return words if is_plain_folder(service.cwd) else through_env(in_folder(service.cwd, words))


def is_inline(service: Service, name: str) -> bool:
    """A file of variables wins over `Environment=`, and a variable's name may be none for systemd."""
    return bool(service.env_files) or NAME.fullmatch(name) is None
