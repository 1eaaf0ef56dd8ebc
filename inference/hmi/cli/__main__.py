"""``python -m hmi.cli``."""

import sys

from hmi.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
