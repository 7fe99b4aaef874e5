"""Google Cloud Storage opened so that every request ends, and a login that is refused is told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repro.core.errors import DataError
from repro.data.shelf import IDLE_SECONDS, RefusedError, UnreachableError, hint_for, words_of
from repro.tools import host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import ClientResponse

REFUSED = frozenset({401, 403})
"""HTTP's "unauthorized" and "forbidden" (RFC 9110, 15.5.2 and 15.5.4): asked again, they come again."""

VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
"""Where the surroundings name a file of credentials; libraries pass over one that cannot be used."""

ANSWER_BYTES = 1 << 14
"""How much of a refusal is read."""


def open_google(fs: Any, settings: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - dvc has no types
    """The file system of gcsfs for a remote of DVC's; credentials from files of the repository are refused.

    Not the class that gcsfs offers: that asks by gRPC what kind of bucket it is before the first object, for
    a minute where nobody answers, and gRPC speaks on standard error. Raises RefusedError where the login is
    not renewed.
    """
    import aiohttp
    from gcsfs.core import GCSFileSystem  # type: ignore[import-untyped]

    if settings.get("credentialpath"):
        raise DataError(
            f"remote {name}: `credentialpath` is set, and credentials come from the surroundings only",
            hint="run: dvc remote modify --unset NAME credentialpath; and set " + VARIABLE,
        )
    idle = aiohttp.ClientTimeout(total=None, sock_connect=IDLE_SECONDS, sock_read=IDLE_SECONDS)
    given = dict(fs.fs_args)
    session = {**(given.pop("session_kwargs", None) or {}), "raise_for_status": _end_refused}
    raw = GCSFileSystem(**given, requests_timeout=idle, session_kwargs=session)
    raw.invalidate_cache()  # instances are shared within a process, and so is what they remember
    own = host.variables().get(VARIABLE)
    if own and raw.credentials.credentials is None and given.get("token") != "anon":
        raise UnreachableError(
            f"remote {name}: {VARIABLE} names no credentials that can be used: {own}",
            hint="correct or unset it; or log in: gcloud auth application-default login",
        )
    _renew(raw.credentials, name)
    return raw


async def _end_refused(answer: ClientResponse) -> None:
    """End a request whose answer is that this account may not: gcsfs would make some of them six times."""
    if answer.status in REFUSED:
        raise RefusedError(answer.status, _said(await answer.content.read(ANSWER_BYTES)))


def _renew(credentials: Any, name: str) -> None:  # noqa: ANN401 - gcsfs has no types
    """Renew a login that has run out, once: gcsfs does it with each request, six times where refused."""
    from gcsfs.retry import HttpError, NonRetryableError  # type: ignore[import-untyped]
    from google.auth.exceptions import GoogleAuthError

    try:
        credentials.maybe_refresh()
    except (HttpError, NonRetryableError) as error:
        cause = error.__cause__ or error
        if not getattr(cause, "retryable", False):  # what may pass is tried again with the first request
            raise RefusedError(401, str(cause.args[0] if cause.args else cause)) from error
    except GoogleAuthError as error:  # such as no network
        raise UnreachableError(f"remote {name}: {words_of(error)}", hint=hint_for(error)) from error


def _said(body: bytes) -> str:
    """The message in an answer of Google's JSON API ("Errors"); all of the answer where it is none."""
    import json

    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return body.decode(errors="replace")
