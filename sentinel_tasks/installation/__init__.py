"""The command that adds a package to the very environment of this Python, by whatever made that. Standard library only.

`pip install` puts it into another Python where a person's `inv` is a tool of uv's or pipx's, and is refused where the
system's packages are managed by others.
"""

from __future__ import annotations

from .commands import from_source, installing
from .environment import here, source


def command(requirement: str, upgrade: bool = False) -> str:
    """What a person types so that this Python has the package; `upgrade` where one is there that is too old."""
    return installing(here(), requirement, upgrade)


def extra(name: str) -> str:
    """This package with that extra (or none), from where it was installed, as a requirement."""
    return from_source(source(), name)
