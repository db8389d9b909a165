"""Logs as facts: bytes become lines, lines get a time, a kind and their place among the lines of others."""
