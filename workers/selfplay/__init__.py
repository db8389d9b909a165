"""The self-play worker: plays games without end or to a number, and writes each durably.

``arguments`` the command line, ``play`` the loop, ``slots`` the games under way, ``deciding`` how a move is
found, ``finished`` from a game to its record, ``networks`` which network plays, ``probe`` how it is asked,
``external`` games that a command plays.
"""
