"""`python -m sentinel_tasks`: the program `sentinel`, where that is not on the PATH."""

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())
