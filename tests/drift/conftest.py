"""Laws are not judged by the clock: hypothesis' deadline per example is off."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
