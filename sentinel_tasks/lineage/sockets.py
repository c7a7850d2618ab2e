"""The door to sockets, whose constants are numbers here: `socket` makes enums of them, for 1 MB of a launcher."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
else:
    try:
        import _socket as socket
    except ImportError:  # a Python that has it elsewhere
        import socket

__all__ = ["socket"]
