"""Random things done to a workspace, each followed by an oracle that asks /proc, tmux, sockets and servers alone.

`python -m tests.chaos [ROUNDS] [SEED]` runs a long one and prints its seed; tests/live/test_chaos.py runs a short one.
scene.py is what it plays in, flavours.py what its services are like, judge.py what must hold; tasks.py, faults.py,
windows.py, elsewhere.py, marks.py, files.py and holders.py are what is done.
"""

from tests.chaos.chaos import Chaos
from tests.chaos.scene import Broken

__all__ = ["Broken", "Chaos"]
