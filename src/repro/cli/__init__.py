"""Floor 6: one file per verb; the only place that prints or exits."""
