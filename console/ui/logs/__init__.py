"""Logs on the screen: where they come from, who follows them, and how a line looks."""
