"""Trusted roots: which authorities and logs are believed. Reading one costs nothing until a bundle asks."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from repro.attest.deferred import FOR_NETWORKS, OTHER_ENTRIES, deferred, unbuilt_models
from repro.core import strictjson
from repro.core.errors import ConfigError, FormatError
from repro.tools.files import read_capped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from repro.attest.bundle import Bundle
    from repro.attest.keys import PublicKey
    from repro.attest.signed import Signed
    from repro.attest.sigstore import Root

MAX_BYTES = 4 << 20
"""Cap on a trusted root, in bytes; the public one has seven thousand."""


class Trust:
    """A trusted root, for any number of bundles; empty `raw` stands for the public good instance's.

    That one is the copy in sigstore-python's own package: no network and no cache in a home is asked.
    """

    def __init__(self, raw: bytes = b"", *, name: str = "the packaged trusted root") -> None:
        self.raw, self.name = raw, name

    def certified(self, bundle: Bundle, *, sha256: str) -> Signed:
        """Who signed a bundle that has a certificate, and when; `sha256` is the artifact's, for a message.

        Raises EvidenceError, which says what does not hold: certificate, log, timestamp or signature.
        """
        return self._root.certified(bundle, sha256=sha256)

    def witnessed(self, bundle: Bundle, key: PublicKey, *, sha256: str) -> Signed:
        """When a bundle was signed with `key`, by its log entries and timestamps, which must hold.

        The signature itself is not looked at. Raises EvidenceError.
        """
        return self._root.witnessed(bundle, key, sha256=sha256)

    @cached_property
    def _root(self) -> Root:
        # 0.15 s, which bundles with keys do without
        with _no_collection(), deferred(*FOR_NETWORKS, *OTHER_ENTRIES), unbuilt_models():
            from repro.attest.sigstore import Root, packaged_root

            return Root(self.raw or packaged_root(), name=self.name)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Imports make many objects that stay: looking for garbage among them takes a tenth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def load_trust(path: Path | None = None) -> Trust:
    """The trusted root in a file, or the packaged one. Raises ConfigError."""
    if path is None:
        return Trust()
    try:
        raw = read_capped(path, MAX_BYTES)
        strictjson.parse(raw, name=str(path))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", hint="name a trusted_root.json") from error
    except FormatError as error:
        raise ConfigError(error.message, hint="name a trusted_root.json") from error
    return Trust(raw, name=str(path))
