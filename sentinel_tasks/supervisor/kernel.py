"""What Linux does for a launcher when it is asked by prctl(2). Other systems have nothing of the kind."""

from __future__ import annotations

import os
import sys

from ..lineage.signals import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SET_PARENT_DEATH_SIGNAL, SET_CHILD_SUBREAPER = 1, 36


def _prctl() -> Callable[[int, int, int, int, int], int] | None:
    """The system call; None where there is none, or where Python was built without ctypes."""
    if sys.platform != "linux":
        return None
    try:
        return _by_the_c_code_of_ctypes()
    except (ImportError, OSError, AttributeError):
        pass
    try:
        import ctypes

        return ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return None


def _by_the_c_code_of_ctypes() -> Callable[[int, int, int, int, int], int]:
    """The Python code of ctypes, of which this needs nothing, is 0.3 MB of every launcher."""
    from _ctypes import call_cdeclfunction, dlopen, dlsym

    prctl = dlsym(dlopen(None, os.RTLD_NOW), "prctl")  # type: ignore[arg-type]
    return lambda *numbers: call_cdeclfunction(prctl, numbers)


class Kernel:
    """Asks for it, where it can be had."""

    def __init__(self) -> None:
        self.prctl = _prctl()

    def adopt_descendants(self) -> None:
        """From now on whatever a descendant leaves behind becomes our child, daemons too."""
        if self.prctl:
            self.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def end_with(self, parent: int) -> None:
        """In a child: it is sent SIGTERM when its parent ends, even by SIGKILL, and ends now if that has happened."""
        if self.prctl:
            self.prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(128 + signal.SIGTERM)
