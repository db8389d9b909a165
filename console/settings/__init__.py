"""Typed settings: defaults < the user's files < environment < flags, each value with where it came from."""
