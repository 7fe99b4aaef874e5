"""Floor 2: environments, platform and isolation: the conditions under which a command runs."""
