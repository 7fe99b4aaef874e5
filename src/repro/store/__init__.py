"""Floor 2: run records: the truth about what ran, and an index of them."""
