"""What was produced, synced, aggregated and backed up: shapes, manifests, and what they prove."""
