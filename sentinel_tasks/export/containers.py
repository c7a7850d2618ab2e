"""What gets lost, or is left to the image, wherever services live in containers."""

from __future__ import annotations

from .rows import Row

LOG_LOST = "nobody reads the log: it counts as healthy once it runs"
NOTIFY_LOST = "nobody listens to what it tells: it counts as healthy once it runs"
LOOPBACK = "the command names a loopback address, which nobody outside of its container reaches"
CODES_LOST = "every other exit code than 0 is a failure"
LATE = "nothing tells of a one-shot that is late"
STARTED_IN_TIME = "what is late is unhealthy, and goes on"
MACHINE_PATH = Row("a path of this machine", "as it is", lost="it names a path that the image need not have")
