"""Trains a network on recorded games: `python -m workers.training`.

Read ``loop`` first. ``arguments`` and ``settings`` what is asked; ``listing``, ``window`` and ``plan`` which
shards an epoch reads and in which order; ``positions`` games to samples, ``quality`` whether they may be
learned from, ``batches`` samples to tensors; ``optimizer`` steps, schedule and the averaged weights;
``ranks`` several processes; ``resuming`` checkpoints; ``telemetry`` what is said meanwhile.
"""
