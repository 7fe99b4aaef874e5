"""Floor 5: a report in, a string out; pure."""
