"""Where workers run: each backend is one file that passes one contract suite."""
