"""The door to signals, which are numbers here: the public `signal` makes enums of them, for 0.8 MB of a launcher."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
else:
    try:
        import _signal as signal
    except ImportError:  # a Python that has it elsewhere
        import signal

__all__ = ["name_of", "named", "number_of", "signal"]


def named(name: str) -> int:
    """The signal of that name without `SIG`, such as `TERM`."""
    return int(getattr(signal, f"SIG{name}"))


def name_of(number: int) -> str:
    """`SIGTERM` and the like; `SIG40` for one that has no name."""
    names = (each for each in dir(signal) if each.startswith("SIG") and not each.startswith("SIG_"))
    return min((each for each in names if getattr(signal, each) == number), default=f"SIG{number}")


def number_of(name: str) -> int | None:
    """The number of `SIGTERM` and the like; None for what is no signal's name."""
    is_one = name.startswith("SIG") and not name.startswith("SIG_")
    found = getattr(signal, name, None) if is_one else None
    return None if found is None else int(found)
