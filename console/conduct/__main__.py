"""`python -m console.conduct`."""

import sys

from console.conduct.program import main

if __name__ == "__main__":
    sys.exit(main())
