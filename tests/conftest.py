"""What all tests share: how hypothesis searches, here and in CI."""

from __future__ import annotations

import os

from hypothesis import settings

# A machine may be busy: no time limit on one example. In CI the same examples every time, so that a failure
# there is one that anybody can repeat; elsewhere new ones, which is how new ones are found.
settings.register_profile("developer", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "developer")
