"""Who is stronger, how sure that is, and which network plays from now on.

Pure parts: ``match_log`` what was played, ``ratings`` strengths as a function of it, ``sprt`` the test of the
gate, ``lineups`` who sits where. ``players``, ``baselines``, ``rollouts`` and ``matches`` play; ``gauntlet``,
``gate`` and ``promotion`` decide what; ``strength`` and ``tables`` show it.
"""
