"""A timestamp authority asked when a signature existed (RFC 3161); its answer stays with the signature."""

from __future__ import annotations

import hashlib

from repro.core.errors import ReproError, ToolFailed
from repro.tools.post import post

MAX_BYTES = 64 << 10
"""Cap on an answer, in bytes: a token with its certificates has a few thousand."""


def timestamp(url: str, signature: bytes) -> bytes:
    """The authority's response over `signature`, as DER; only a verifier with its certificate can trust it.

    What can be checked without one is: it was granted, is over this signature, and answers this question.
    """
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, decode_timestamp_response

    builder = TimestampRequestBuilder().data(signature).hash_algorithm(HashAlgorithm.SHA256)
    request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    answer = post(url, request.as_bytes(), kind="application/timestamp-query", max_bytes=MAX_BYTES)
    try:
        response = decode_timestamp_response(answer)
        info = response.tst_info if response.status == 0 else None
        is_ours = info is not None and (
            info.message_imprint.message == hashlib.sha256(signature).digest() and info.nonce == request.nonce
        )
    except ValueError as error:
        raise ToolFailed(f"{url}: not a timestamp: {error}", hint="name a timestamp authority") from error
    if not is_ours:
        raise ReproError(f"{url}: gave no timestamp for this signature", hint="ask another authority")
    return answer
