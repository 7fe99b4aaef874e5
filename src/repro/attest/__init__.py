"""Statements about artifacts, their envelopes and bundles, and the keys that sign them."""
