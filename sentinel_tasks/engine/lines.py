"""The services' output as lines: the last ones, and those that come, each with its service's name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..logs import Reader, last_lines
from ..logtext import is_only_marks, readable
from ..world import World

PAUSE = 0.1


def last(world: World, names: Sequence[str], count: int, colour: bool) -> list[tuple[str, str]]:
    """The last `count` lines of each service, all in the order in which they came."""
    timed = [(when, name, line) for name in names for when, line in last_lines(world.state.log(name), count)]
    return [(name, readable(line, colour)) for _, name, line in sorted(timed, key=lambda each: each[0])]


def following(world: World, names: Sequence[str], count: int, colour: bool) -> Iterator[tuple[str, str]]:
    """The last lines, then every line that comes, through restarts and rotations, without end."""
    readers = {name: Reader(world.state.log(name)).from_last(count) for name in names}
    try:
        while True:
            timed = [(when, name, line) for name, reader in readers.items() for when, line in reader.lines()]
            for _, name, line in sorted(timed, key=lambda each: each[0]):
                if not is_only_marks(line):
                    yield name, readable(line, colour)
            world.sleep(PAUSE)
    finally:
        for reader in readers.values():
            reader.close()
