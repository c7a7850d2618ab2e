"""The services that are watched for: what each wants, and its launcher's FIFO, by which its end is seen."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .burst import Burst
from .patterns import Patterns

SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Listener:
    """One launch of one service."""

    def __init__(self, name: str, wish: dict[str, Any], orders: int) -> None:
        self.name, self.launch, self.orders = name, str(wish["launch"]), orders
        self.patterns = Patterns(wish["patterns"], wish["ignore"])
        self.heeds_git = not wish["git_ignored"]
        self.burst = Burst(float(wish["debounce"]))
        self.unmatched: list[str] = [*wish["patterns"]]

    def tell(self, reason: str) -> None:
        """Orders what changed files ask for; a launcher that has ended is seen by other means."""
        try:
            os.write(self.orders, f"{json.dumps(['change', reason, ''])}\n".encode())
        except OSError:
            return

    def close(self) -> None:
        """Nothing more is to be told."""
        os.close(self.orders)


def listening(state: Path, known: dict[str, Listener]) -> Iterator[Listener]:
    """Every service whose launcher listens now; those that are known already stay what they are."""
    for path in sorted(state.glob("watcher/*.wish")):
        wish = _read(path)
        one = known.get(path.stem)
        if one is not None and wish is not None and one.launch == wish["launch"]:
            yield one
        elif wish is not None and (orders := _opened(state / f"{path.stem}.orders")) is not None:
            yield Listener(path.stem, wish, orders)


def _opened(fifo: Path) -> int | None:
    try:
        return os.open(fifo, os.O_WRONLY | SAFE)
    except OSError:
        return None  # nobody reads there


def _read(path: Path) -> dict[str, Any] | None:
    try:
        with open(os.open(path, os.O_RDONLY | SAFE), "rb") as file:
            found = json.loads(file.read())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {"launch", "patterns", "ignore"} <= {*found} else None
