"""The log pump's command (capture.py says what it does).

tmux's `pipe-pane` runs it as `python -I -S -X utf8 pump.py LOG MAX_BYTES BACKUPS LAUNCHER_PID`. It is short, as
launch.py is: to compile what is in capture.py took each pump 7 ms at its start, and 0.7 MB as long as it ran.
"""

from __future__ import annotations

import os
import sys

if not __package__:  # run as a script: what is ours is found behind the standard library, never before it
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    __package__ = "sentinel_tasks.supervisor"

from .capture import main

if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # as launch.py ends
