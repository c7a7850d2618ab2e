"""The launcher's command (launcher.py says what it does).

tmux runs it in the service's pane as `python -I -S -X utf8 launch.py SPEC_FIFO RECORD LAUNCH WORKSPACE SERVICE`. By the
last three words a task finds it, wherever its window is. It is short because Python compiles a script each time it
runs, and a module once.
"""

from __future__ import annotations

import os
import sys

if not __package__:  # run as a script: what is ours is found behind the standard library, never before it
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    __package__ = "sentinel_tasks.supervisor"

from .launcher import main

if __name__ == "__main__":
    os._exit(main(*sys.argv[1:]))  # Python's own tidying up would take longer than the rest of its end
