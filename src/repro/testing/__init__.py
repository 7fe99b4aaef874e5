"""Floor 6: the fixture `drift` for pytest, and a helper that tests how it is used."""
