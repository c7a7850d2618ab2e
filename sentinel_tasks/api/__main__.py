"""`python -m sentinel_tasks.api`: the Worker Telemetry API of this workspace (contract: API)."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from sentinel_tasks.api import options


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the API until SIGINT or SIGTERM; the exit code: 0 ended, 1 it could not run."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    try:
        return _run(options.read(sys.argv[1:] if arguments is None else arguments, os.environ))
    except options.OptionError as error:
        return _complain(str(error))


def _run(chosen: options.Options) -> int:
    try:
        for library in ("prometheus_client", "websockets"):
            _require(library)
        from sentinel_tasks.api import app, server
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "sentinel_tasks":
            raise
        from sentinel_tasks import installation

        typed = installation.command(installation.extra("api"))
        return _complain(f"the Worker Telemetry API needs {missing}: {typed}")
    try:
        listener = server.bind(chosen.host, chosen.port)
    except OSError as error:
        return _complain(f"cannot listen on {chosen.host} port {chosen.port}: {error.strerror}")
    chosen = dataclasses.replace(chosen, port=listener.getsockname()[1])
    print(f"Worker Telemetry API on {options.api_url(chosen)}", flush=True)
    server.serve(app.create_app(chosen), listener)
    return 0


def _require(library: str) -> None:
    """Raises ModuleNotFoundError for a library that is needed later, without paying for its import now."""
    if importlib.util.find_spec(library) is None:
        raise ModuleNotFoundError(name=library)


def _leave(number: int, frame: FrameType | None) -> None:
    """Asked to end while still starting: there is nothing to clean up, and an exception could be lost in an import."""
    os._exit(0)


def _complain(text: str) -> int:
    print(text, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
