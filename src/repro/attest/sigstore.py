"""The one door to sigstore-python for verifying: what a trusted root says of a bundle.

All cryptography of certificates, logs and timestamps is the library's. It is made to take three kinds of
legal material that it refuses: log entries of kind `intoto` 0.0.2 (npm, slsa-github-generator), bundles v0.1
whose entry has a signed promise but no proof (npm), and bundles signed with a bare key. And it is made
stricter in one thing: an authority or a log counts only for times within its window in the trusted root.

Importing this takes 0.2 s: go through `repro.attest.trust`.
"""

from __future__ import annotations

import copy
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from cryptography.x509 import load_der_x509_certificate
from sigstore._internal.timestamp import TimestampSource, TimestampVerificationResult
from sigstore._internal.trust import CertificateAuthority, KeyringPurpose
from sigstore._internal.tuf import DEFAULT_TUF_URL
from sigstore._utils import cert_is_leaf
from sigstore.errors import VerificationError
from sigstore.hashes import Hashed
from sigstore.models import Bundle as LibraryBundle
from sigstore.models import TransparencyLogEntry, TrustedRoot
from sigstore.verify import Verifier
from sigstore_models.bundle.v1 import Bundle as BundleModel
from sigstore_models.bundle.v1 import VerificationMaterial
from sigstore_models.common.v1 import HashAlgorithm
from sigstore_models.rekor.v1 import InclusionProof
from sigstore_models.rekor.v1 import TransparencyLogEntry as EntryModel
from sigstore_models.trustroot.v1 import TrustedRoot as RootModel

from repro.attest.certificate import signer_of
from repro.attest.entry import claim_of, require_bound, require_proof
from repro.attest.signed import AUTHORITY, LOG, Signed, SignedTime
from repro.core.errors import ConfigError, EvidenceError, ReproError
from sigstore import dsse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.x509 import Certificate
    from sigstore._internal.trust import CTKeyring, RekorKeyring
    from sigstore.verify.policy import VerificationPolicy
    from sigstore_models.common.v1 import TimeRange

    from repro.attest.bundle import Bundle
    from repro.attest.keys import PublicKey

PROMISED = {("hashedrekord", "0.0.1"), ("dsse", "0.0.1"), ("intoto", "0.0.2")}
"""Kinds of entry of Rekor v1, which signs when it took them."""

ALWAYS = datetime.min.replace(tzinfo=UTC)
"""The start of a window that nothing limits."""

ONE_THREAD = Lock()
"""Held while the library works: its models are built at their first use, and all is for one processor."""

MAX_WORDS = 300
"""Characters of a library's message that are passed on."""


class Root:
    """A trusted root as the library has it."""

    def __init__(self, raw: bytes, *, name: str) -> None:
        try:
            with ONE_THREAD:
                self._verifier = _Verifier(trusted_root=_Trusted(RootModel.from_json(raw)))
        except Exception as error:  # pydantic's, the library's, ValueError: whatever a bad root leads to
            raise ConfigError(f"{name}: not a trusted root: {_words(error)}", hint="name another") from error

    def certified(self, bundle: Bundle, *, sha256: str) -> Signed:
        """See `repro.attest.trust.Trust`."""
        verifier = copy.copy(self._verifier)  # it keeps the times of one bundle
        with ONE_THREAD, _refusals():
            material = _read(bundle)
            payload = None
            if bundle.envelope:
                _, payload = verifier.verify_dsse(material, _Anybody())
            else:
                digest = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(sha256))
                verifier.verify_artifact(digest, material, _Anybody())
            require_proof(bundle.entries[0])
            if bundle.entries[0].kind == "intoto":
                claimed = claim_of(bundle, verifier=bundle.certificates[0], sha256=sha256)
                require_bound(bundle.entries[0], claimed)
            return Signed(
                signer=signer_of(material.signing_certificate),
                payload=payload,
                payload_type=bundle.envelope.payload_type if bundle.envelope else "",
                times=verifier.times,
                log=_log(bundle),
            )

    def witnessed(self, bundle: Bundle, key: PublicKey, *, sha256: str) -> Signed:
        """See `repro.attest.trust.Trust`."""
        verifier = copy.copy(self._verifier)
        with ONE_THREAD, _refusals():
            verifier.require_witnesses(_Loose(_model(bundle)))
            for entry in bundle.entries:
                require_proof(entry)
                require_bound(entry, claim_of(bundle, verifier=key.der, sha256=sha256))
            return Signed(times=verifier.times, log=_log(bundle))


def packaged_root() -> bytes:
    """The public good instance's trusted root, from the library's package."""
    from importlib import resources

    folder = resources.files("sigstore._store").joinpath(quote(DEFAULT_TUF_URL, safe=""))
    return folder.joinpath("trusted_root.json").read_bytes()


class _Anybody:
    """The policy that asks nothing: who signed is looked at in a step of its own."""

    def verify(self, cert: Certificate) -> None:
        """Accept."""


class _Verifier(Verifier):
    """The library's verifier, for one bundle: as it learns the signed times it narrows the root to them."""

    times: tuple[SignedTime, ...] = ()

    def __init__(self, *, trusted_root: _Trusted) -> None:
        super().__init__(trusted_root=trusted_root)
        self._whole = trusted_root
        self._narrowed: dict[tuple[int, ...], _Trusted] = {}

    def verify_dsse(self, bundle: LibraryBundle, policy: VerificationPolicy) -> tuple[str, bytes]:
        """As the library does; an entry of kind `intoto` is left to the caller to bind to the signature."""
        envelope = bundle._dsse_envelope  # noqa: SLF001
        if envelope is None or bundle.log_entry._inner.kind_version.kind != "intoto":  # noqa: SLF001
            return super().verify_dsse(bundle, policy)
        self._verify_common_signing_cert(bundle, policy)
        key = cast("EllipticCurvePublicKey", bundle.signing_certificate.public_key())
        return envelope._inner.payload_type, dsse._verify(key, envelope)  # noqa: SLF001

    def require_witnesses(self, bundle: _Loose) -> None:
        """Verify the timestamps and the log entries of a bundle that was signed with a key."""
        self._establish_time(bundle)
        for entry in bundle.entries:
            entry._verify(self._trusted_root.rekor_keyring(KeyringPurpose.VERIFY))  # noqa: SLF001

    def _establish_time(self, bundle: LibraryBundle) -> list[TimestampVerificationResult]:
        found = []
        if stamps := bundle.verification_material.timestamp_verification_data:
            found = self._verify_timestamp_authority(bundle)
            if len(found) < len(stamps.rfc3161_timestamps):
                raise VerificationError("a timestamp is by no authority of the trusted root, in its time")
        times = [SignedTime(at=one.time, source=AUTHORITY) for one in found]
        entries = [one._inner for one in _entries(bundle)]  # noqa: SLF001
        for entry in entries:
            if not (entry.integrated_time and entry.inclusion_promise):
                continue
            if (entry.kind_version.kind, entry.kind_version.version) not in PROMISED:
                raise VerificationError("a log's time on a kind of entry whose log gives none")
            at = datetime.fromtimestamp(entry.integrated_time, tz=UTC)
            found.append(TimestampVerificationResult(source=TimestampSource.TRANSPARENCY_SERVICE, time=at))
            times.append(SignedTime(at=at, source=LOG))
        self.times = tuple(times)
        self._narrow({one.log_id.key_id for one in entries})
        return found

    def _narrow(self, logs: set[bytes]) -> None:
        """Leave in the root what it trusts for all signed times, and only the logs that the entries are in.

        The library asks only whether a part of the root has begun, and tries the keys of all logs.
        """
        root, times = self._whole._inner, [one.at for one in self.times]  # noqa: SLF001
        chosen = tuple(
            (log is None or log in logs) and all(start <= at and (end is None or at <= end) for at in times)
            for start, end, log in self._whole.windows
        )
        if chosen not in self._narrowed:
            kept = iter(chosen)
            authorities, ctlogs, tlogs = (
                [one for one in parts if next(kept)]
                for parts in (root.certificate_authorities, root.ctlogs, root.tlogs)
            )
            update = {"certificate_authorities": authorities, "ctlogs": ctlogs, "tlogs": tlogs}
            self._narrowed[chosen] = _Trusted(root.model_copy(update=update))
        self._trusted_root = self._narrowed[chosen]
        if logs and not self._trusted_root._inner.tlogs:  # noqa: SLF001
            raise VerificationError("the entry is in a log that the trusted root does not know for its time")
        self._fulcio_certificate_chain = self._trusted_root.authorities


class _Trusted(TrustedRoot):
    """The library's trusted root, with its keys and certificates loaded once and not once a bundle."""

    def __init__(self, inner: RootModel) -> None:
        super().__init__(inner)
        self.authorities = [
            certificate
            for one in map(CertificateAuthority, inner.certificate_authorities)
            for certificate in one.certificates(allow_expired=True)
        ]
        self.windows = [
            *(_window(one.valid_for) for one in inner.certificate_authorities),
            *(_window(one.public_key.valid_for) for one in inner.ctlogs),
            *(_window(one.public_key.valid_for, one.log_id.key_id) for one in inner.tlogs),
        ]
        self._stampers: list[CertificateAuthority] = [*map(_Stamper, inner.timestamp_authorities)]
        self._logs: RekorKeyring | None = None
        self._certificate_logs: CTKeyring | None = None

    def rekor_keyring(self, purpose: KeyringPurpose) -> RekorKeyring:
        """The keys of the logs."""
        self._logs = self._logs or super().rekor_keyring(purpose)
        return self._logs

    def ct_keyring(self, purpose: KeyringPurpose) -> CTKeyring:
        """The keys of the logs of certificates."""
        self._certificate_logs = self._certificate_logs or super().ct_keyring(purpose)
        return self._certificate_logs

    def get_timestamp_authorities(self) -> list[CertificateAuthority]:
        """The authorities that sign timestamps."""
        return self._stampers


def _window(
    span: TimeRange | None, log: bytes | None = None
) -> tuple[datetime, datetime | None, bytes | None]:
    """From when a part of the root counts, until when, and, of a log of entries, its identifier."""
    return (span.start, span.end, log) if span else (ALWAYS, None, log)


class _Stamper(CertificateAuthority):
    """An authority of timestamps whose window, as all others, includes its last moment."""

    @property
    def validity_period_end(self) -> datetime | None:
        """The first moment after the window: the library takes what lies before this."""
        end = super().validity_period_end
        return end + datetime.resolution if end else None


class _Entry(TransparencyLogEntry):
    """A log entry that may have a signed promise in place of a proof."""

    def _validate(self) -> None:
        """Its form was checked when the bundle was read."""

    def _verify(self, keyring: RekorKeyring) -> None:
        proof = cast("InclusionProof | None", self._inner.inclusion_proof)
        if proof is not None and proof.checkpoint is not None:
            super()._verify(keyring)
        else:
            self._verify_set(keyring)


class _Loose(LibraryBundle):
    """A bundle that the library would refuse as such: with a key, or with a promise in place of a proof."""

    leaf: Certificate | None
    entries: tuple[_Entry, ...]

    def _verify(self) -> None:
        material = self._inner.verification_material
        self.entries = tuple(_Entry(one) for one in material.tlog_entries)
        self.leaf = None
        if material.x509_certificate_chain:
            self.leaf = load_der_x509_certificate(material.x509_certificate_chain.certificates[0].raw_bytes)
            if not cert_is_leaf(self.leaf):
                raise VerificationError("the first certificate is an authority's, not a signer's")
            self._signing_certificate, self._log_entry = self.leaf, self.entries[0]

    @property
    def signature(self) -> bytes:
        """What timestamps are over: the first signature, where an envelope has several."""
        if self._inner.dsse_envelope:
            return self._inner.dsse_envelope.signatures[0].sig
        return super().signature


@cache
def _loose_model() -> type[BundleModel]:
    """The model of bundles v0.1 without a proof; made when it is asked for, which takes 10 ms."""

    class Entry(EntryModel):
        inclusion_proof: InclusionProof | None = None  # type: ignore[assignment]

    class Material(VerificationMaterial):
        tlog_entries: list[Entry]  # type: ignore[assignment]

    class Loose(BundleModel):
        verification_material: Material

    return Loose


def _read(bundle: Bundle) -> LibraryBundle:
    """The library's view of a bundle with a certificate."""
    if len(bundle.entries) != 1:
        raise EvidenceError(f"{len(bundle.entries)} log entries; a certificate's signature needs one")
    return (LibraryBundle if bundle.entries[0].checkpoint else _Loose)(_model(bundle))


def _model(bundle: Bundle) -> BundleModel:
    """The model of a bundle's exact bytes."""
    promised = [one for one in bundle.entries if not one.checkpoint]
    if promised and not (bundle.version == "0.1" and all(one.has_promise for one in promised)):
        raise EvidenceError("a log entry without a proof that the log includes it")
    model = (_loose_model() if promised else BundleModel).from_json(bundle.raw)
    if model.message_signature:
        model.message_signature.message_digest = None  # a hint, looked at in a step of its own
    return model


def _entries(bundle: LibraryBundle) -> tuple[TransparencyLogEntry, ...]:
    return bundle.entries if isinstance(bundle, _Loose) else (bundle.log_entry,)


def _log(bundle: Bundle) -> tuple[str, ...]:
    return tuple(f"{one.kind} {one.version} at index {one.index}" for one in bundle.entries)


@contextmanager
def _refusals() -> Iterator[None]:
    """Whatever the libraries say no with, down to a panic of their Rust parts, is one kind of error here."""
    try:
        yield
    except (ReproError, KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:
        raise EvidenceError(_words(error)) from error


def _words(error: BaseException) -> str:
    """The first line of what an error says; some of the library's have their text in several parts."""
    said = " ".join(map(str, error.args)) or str(error)
    return (said.splitlines() or [""])[0][:MAX_WORDS] or type(error).__name__
