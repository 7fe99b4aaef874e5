"""Floor 6: one file per verb; the only place that prints or exits."""

import gc

gc.set_threshold(50_000)  # to look for cycles after every 700 new values takes a twelfth of a short call
