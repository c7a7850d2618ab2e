"""The watcher's command: `python __main__.py STATE_FOLDER WORKSPACE`, run by tmux, from whose job it takes itself away.

It is short, and imports what is heavy once it is by itself.
"""

from __future__ import annotations

import os
import sys

if not __package__:  # run as a script: what is ours is found behind the standard library, never before it
    sys.path[:1] = []
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    __package__ = "sentinel_tasks.watcher"


def main(state: str, workspace: str) -> int:
    """Goes on in a session of its own, which no C-c and no terminal's end reaches."""
    if os.fork():
        return 0
    os.setsid()
    from .alone import keep

    return keep(state, workspace)


if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))  # not through Python's end, which takes our signal handlers away first
