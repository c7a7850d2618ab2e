"""How much memory a service's processes use together, and when that is looked at."""

from __future__ import annotations

from .proc import resident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

UNDROPPABLE = (b"Pss_Anon:", b"Pss_Shmem:")
"""What the kernel can't get back by reading a file again."""
UNITS = ("KiB", "MiB", "GiB")
LONGEST, SHORTEST = 2.0, 0.25
"""Seconds between two looks: the less is left, the shorter."""
FAR_BEYOND = 2
"""So many times the limit is no time left to ask for an end."""


def used(pids: Iterable[int], limit: int) -> int:
    """What the processes use together in bytes, exactly if that is more than the limit; else no less than they use.

    Then a page that several share counts once, and files that are mapped do not count. The kernel walks all pages for
    that (12 ms a gigabyte), and no sum of resident memory is below it: so it is asked only above the limit.
    """
    sizes = {pid: resident(pid) or 0 for pid in pids}
    if sum(sizes.values()) <= limit:
        return sum(sizes.values())
    return sum(_undroppable(pid, size) for pid, size in sizes.items())


def _undroppable(pid: int, otherwise: int) -> int:
    """The process's share of what it has not from a file, by smaps_rollup (proc(5)); of another user's none is seen."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            found = [int(line.split()[1]) * 1024 for line in file if line.startswith(UNDROPPABLE)]
    except (OSError, IndexError, ValueError):
        return otherwise
    return sum(found) if len(found) == len(UNDROPPABLE) else otherwise


def pause(found: int, limit: int) -> float:
    """The seconds until the next look."""
    return max(SHORTEST, LONGEST * (1 - found / limit))


def too_much(found: int, limit: int) -> str:
    """Why what used so much is ended."""
    return f"it used {size(found)}, more than its memory limit of {size(limit)}"


def size(count: int) -> str:
    """So many bytes for a person, such as `512 MiB`."""
    number, unit = count / 1024, 0
    while number >= 1024 and unit + 1 < len(UNITS):
        number, unit = number / 1024, unit + 1
    return f"{number:.0f} {UNITS[unit]}" if number >= 10 else f"{number:.3g} {UNITS[unit]}"
