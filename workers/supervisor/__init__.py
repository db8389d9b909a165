"""The detached parent of one worker, and the run directory it keeps. Standard library only, Python 3.9."""
