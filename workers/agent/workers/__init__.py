"""What the agent does about workers: it starts, commands, reports, reconciles and finds them.

Everything that must last lies in the run directories (``workers/supervisor``); this room keeps caches only.
Nothing here is imported before a console asks about workers.
"""
