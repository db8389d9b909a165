"""Jobs: commands that obey the worker contract and end."""
