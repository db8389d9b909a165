"""The domain: what a fleet is. No I/O, no clock, no asyncio: time enters as a value."""
