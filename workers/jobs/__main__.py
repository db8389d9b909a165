"""`python -m workers.jobs`."""

import sys

from workers.jobs.command import main

if __name__ == "__main__":
    sys.exit(main())
