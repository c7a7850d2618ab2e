"""A chain of forks: each process forks once and is gone. `chain.py [sessions]` puts each into a session of its own.

It ends by itself, and says so in a file `ran away`, before it could take all the pids of the machine.
"""

import os
import sys

MOST_FORKS, EVERY, MOST_PROCESSES = 100_000, 500, 8000
RAN_AWAY = "ran away"


def is_enough(forks: int) -> bool:
    """True once it has gone on for long, or has left too many behind that nobody has reaped."""
    return forks >= MOST_FORKS or (forks % EVERY == 0 and len(os.listdir("/proc")) > MOST_PROCESSES)


def main() -> None:
    forks, has_sessions = 0, "sessions" in sys.argv
    while not is_enough(forks):
        if os.fork():
            os._exit(0)
        if has_sessions:
            os.setsid()
        forks += 1
    open(RAN_AWAY, "w").close()


if __name__ == "__main__":
    main()
