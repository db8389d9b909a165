"""Chance without a generator, whose state every fork would copy and seed anew."""

import os


def chance() -> float:
    """Any number from 0 up to 1, without 1."""
    return int.from_bytes(os.urandom(4), "big") / 2**32
