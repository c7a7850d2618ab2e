"""`python -m sentinel_tasks.mcp [--workspace DIR]`: the server on stdin and stdout (contract: MCP)."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Serves until the client closes stdin; the exit code: 0 ended, 1 it could not run, 2 a flag is wrong."""
    parser = argparse.ArgumentParser("python -m sentinel_tasks.mcp", description="The services as MCP tools, on stdio.")
    parser.add_argument("--workspace", metavar="DIR", help="the folder of the tasks file (default: the client's root)")
    folder: str | None = parser.parse_args(words).workspace
    if folder is not None and not os.path.isdir(folder):
        parser.error(f"--workspace: no such folder: {folder}")
    _leave_out_the_workspace()
    try:
        from sentinel_tasks.mcp.server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        from sentinel_tasks import installation

        print(f"the MCP server needs the SDK: {installation.command(installation.extra('mcp'))}", file=sys.stderr)
        return 1
    serve(None if folder is None else os.path.abspath(folder))
    return 0


def _leave_out_the_workspace() -> None:
    """A folder `mcp` of the project is not the SDK: `-m` has put the current folder before all others."""
    if sys.path[0] in ("", os.getcwd()):
        del sys.path[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
