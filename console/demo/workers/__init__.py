"""The workers of the scripted fleet: they run, fail and obey in memory."""
