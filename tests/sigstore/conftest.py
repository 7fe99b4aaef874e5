"""The private Sigstore as fixtures; other rooms' tests import them from here."""

from __future__ import annotations

import pytest
from tests.sigstore.world import PrivateSigstore


@pytest.fixture(scope="session")
def world() -> PrivateSigstore:
    """One private Sigstore for all tests of a session: nothing in it is ever taken back."""
    return PrivateSigstore()
