"""Floor 4: compositions of the rooms below: configuration, replay, baselines, status."""
