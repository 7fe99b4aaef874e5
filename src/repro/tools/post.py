"""The door to services that answer a question sent by HTTP: capped, timed, and without redirects."""

from __future__ import annotations

from repro.core.errors import ToolFailed, UsageError
from repro.tools.redact import redacted

TIMEOUT_SECONDS = 20.0


def post(url: str, data: bytes, *, kind: str, max_bytes: int) -> bytes:
    """The answer of `url` to `data` of media type `kind`; ToolFailed where it is no success or too long."""
    if not url.startswith(("https://", "http://")):
        raise UsageError(f"{redacted(url)}: not an address", hint="write https://HOST/PATH")
    import requests

    shown = redacted(url)
    try:
        with requests.post(
            url,
            data=data,
            headers={"Content-Type": kind},
            timeout=TIMEOUT_SECONDS,
            stream=True,
            allow_redirects=False,
        ) as answer:
            content = answer.raw.read(max_bytes + 1, decode_content=True)
            status = answer.status_code
    except (requests.RequestException, OSError) as error:
        why = redacted(str(error))
        raise ToolFailed(f"{shown}: {why}", hint="check the address and the network") from None
    if status not in {200, 201} or len(content) > max_bytes:
        why = f"answered {status}" if status not in {200, 201} else f"sent more than {max_bytes} bytes"
        raise ToolFailed(f"{shown}: {why}", hint="check the address")
    return bytes(content)
