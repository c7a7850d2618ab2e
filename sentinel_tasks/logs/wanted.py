"""What a person wants to know of a log, and places in it: nouns that everybody may use."""

from collections.abc import Sequence
from typing import NamedTuple


class Asked(NamedTuple):
    """What lines have to be like; all of it holds for a line that is shown."""

    grep: str = ""
    invert: bool = False
    level: str = ""
    fields: Sequence[tuple[str, str]] = ()


class Place(NamedTuple):
    """A byte of a log: in which file, and behind how many bytes.

    A file is known by its inode and when its first byte came, or where none has come, when its first run began, below
    0. A log that is not there yet has inode 0.
    """

    inode: int = 0
    first: float = 0.0
    offset: int = 0


class Wanted(NamedTuple):
    """Which lines, from when until when, behind which place, how many (None is all), and whether also those to come.

    Behind a place these are the next ones; otherwise, and before those to come, the last ones.
    """

    asked: Asked = Asked()
    since: float | None = None
    until: float | None = None
    after: Place | None = None
    most: int | None = None
    follows: bool = False

    @property
    def only_last(self) -> bool:
        """True if these are the last lines, whatever is in them and whenever they came."""
        return self.most is not None and self == Wanted(most=self.most, follows=self.follows)


class Stats(NamedTuple):
    """How many lines there are, how long they are together, how many of each level ("none": of none), from when on."""

    lines: int
    bytes: int
    levels: dict[str, int]
    first: float
    last: float
