"""Floor 1: the only doors to the outside (processes, git, files, clock, host)."""
