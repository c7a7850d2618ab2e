"""Stands for a queue's consumer: says what it does until it is asked to stop."""

import os
import signal
import sys
import time


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"{os.environ['QUEUE']}: waiting for jobs")
    try:
        while True:
            time.sleep(60)
    except KeyboardInterrupt:
        print("done")


main()
