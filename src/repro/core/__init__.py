"""Floor 0: the words of the house. Values only: no file, process, clock or environment is touched here."""
