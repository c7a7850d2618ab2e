"""`python -m tests.chaos [ROUNDS] [SEED]`: random faults for so many rounds, reproducible by the seed."""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos import Chaos
from tests.chaos.tasks import HAS_FAKETIME
from tests.lab import Lab, is_open
from tests.watch import Watch, below_a_warden


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)
    began = time.monotonic()
    without = "" if HAS_FAKETIME else ", no jumps in time: faketime is missing"
    print(f"{rounds} rounds, seed {seed}{without}", flush=True)
    with tempfile.TemporaryDirectory() as folder, Watch(Path(folder), os.getppid()) as watch:
        os.chmod(folder, 0o711)
        lab, ports = Lab(Path(folder)), iter(range(7000 + seed % 30 * 100, 9999))  # seeds may run side by side
        lab.port = lambda: next(port for port in ports if not is_open(port))
        chaos = Chaos(lab, seed, watch)
        try:
            chaos.run(rounds)
        except AssertionError as broken:
            print(*chaos.scene.log[-60:], f"broken after {time.monotonic() - began:.0f} s:", broken, sep="\n")
            return 1
        finally:
            chaos.clean()
    print(f"every promise held, {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(below_a_warden(main))
