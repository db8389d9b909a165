"""The legs of ``scripts/bench``. Each has ``run()``, which measures and gives the rows of its table."""
