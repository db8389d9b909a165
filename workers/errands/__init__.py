"""What a job does on a machine, near or far: list, hash, place, remove. One program, sent along, leaving nothing behind."""
