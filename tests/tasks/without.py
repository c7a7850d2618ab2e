"""Runs `inv` with an Invoke that hides attributes from everybody but itself: `without.py NAME,NAME inv WORD…`."""

from __future__ import annotations

import sys

from invoke.config import DataProxy
from invoke.main import program


def hide(names: list[str]) -> None:
    """Attributes of its configuration, from now on in this process."""
    asked = DataProxy.__getattribute__

    def hiding(proxy: DataProxy, name: str) -> object:
        if name in names and not sys._getframe(1).f_globals["__name__"].startswith("invoke."):
            raise AttributeError(name)
        return asked(proxy, name)

    DataProxy.__getattribute__ = hiding  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    hide(sys.argv[1].split(","))
    del sys.argv[:2]
    program.run()
