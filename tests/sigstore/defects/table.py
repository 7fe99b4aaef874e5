"""All defects by name."""

from __future__ import annotations

from tests.sigstore.defects import certificate, form, log, signature, statement, time
from tests.sigstore.defects.catalogue import FOUND, Defect

DEFECTS: dict[str, Defect] = dict(FOUND)
ROOMS = (form, signature, certificate, time, log, statement)
"""The files that the defects are in, in the protocol's order."""
