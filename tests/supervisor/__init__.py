"""Real pairs with real workers."""
