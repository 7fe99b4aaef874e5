"""Floor 2: compare outputs number by number under typed tolerances, and say what was found."""
