"""The network that plays: its architecture, its checkpoints on disk, and the pointers to them.

``architecture`` the numbers, ``network`` the module built from them, ``places`` where files lie,
``checkpoint`` saving and loading, ``fallback`` loading what a pointer names or the good one before it,
``pointers`` the names ``latest`` and ``best``. ``places`` and ``pointers`` need no torch.
"""
