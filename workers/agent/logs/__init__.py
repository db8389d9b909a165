"""Logs: bytes that are followed and sent under credit, and searches that cannot hang the agent."""
