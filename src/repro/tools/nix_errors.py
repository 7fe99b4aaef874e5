"""What a failed call of Nix means, and what to do about it: the innermost cause first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from repro.core.errors import DataError, ReproError, ToolFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from repro.tools.nix_log import Message, NixLog

MAX_TRACE = 3000
"""Characters of a trace that an error carries below its cause."""

_MISMATCH = re.compile(
    r"hash mismatch in fixed-output derivation '(?P<drv>[^']+)'"
    r".*?specified:\s*(?P<wanted>\S+).*?got:\s*(?P<got>\S+)",
    re.DOTALL,
)
_BUILDER = re.compile(
    r"builder for '(?P<drv>[^']+)' failed"
    r"|build of '(?P<one>[^']+\.drv)[^']*' failed"
    r"|Cannot build '(?P<new>[^']+)'"
)
_NO_ATTRIBUTE = re.compile(
    r"flake '(?P<flake>[^']*)' does not provide attribute (?P<wanted>[^\n]*)"
    r"|attribute '(?P<plain>[^']+)' (?:missing|in selection path '[^']*' not found)"
)

HINTS = (
    (
        r"cannot connect to (?:socket|daemon)|daemon.*(?:connection refused|not running)",
        "the Nix daemon does not answer; start it, for example: systemctl start nix-daemon",
    ),
    (
        r"No space left on device|[Dd]isk (?:quota|is) (?:exceeded|full)",
        "the disk is full: nix store gc frees the store, REPRO_CACHE_DIR moves the second one",
    ),
    (
        r"is not tracked by Git|does not exist in Git repository|untracked",
        "a flake under git sees tracked files only; run: git add FILE (a commit is not needed)",
    ),
    (
        r"experimental (?:Nix )?feature '(?:nix-command|flakes)' is disabled",
        "allow it: experimental-features = nix-command flakes in nix.conf",
    ),
    (
        r"does not have a known deriver|no known deriver",
        "the path was added, not built: name a derivation instead",
    ),
    (
        r"unable to start any build|Unable to start any build",
        "local builds are off (max-jobs = 0): --option max-jobs 1",
    ),
    (
        r"[Rr]equired system(?: or features?)?:? ",
        "this machine cannot build for that system; name another attribute",
    ),
    (
        r"could not find a flake\.nix|is not part of a flake|not a flake|contain a '[^']*flake\.nix'",
        "run it in the folder of a flake, or name one: repro build FLAKE#ATTRIBUTE",
    ),
    (r"lacks a signature by a trusted key|no signature", "add the signer's key to trusted-public-keys"),
    (
        r"(?:Could not resolve host|Connection refused|unable to download|Couldn't resolve)",
        "the network or a cache does not answer; offline, --offline keeps Nix from asking",
    ),
)
"""What a message says, and the next step."""


def failure(log: NixLog, doing: str) -> ReproError:
    """The error that a failed call comes to; `doing` says what was asked for."""
    errors = log.errors or log.messages[-5:]
    whole = "\n".join(message.text for message in errors)
    if match := _MISMATCH.search(whole):
        return DataError(
            f"{doing}: fixed output {short(match['drv'])} has another hash than declared\n"
            f"declared {match['wanted']}\n"
            f"got      {match['got']}",
            hint="the source changed or the hash is wrong: find out which before you write the new hash",
        )
    if match := _NO_ATTRIBUTE.search(whole):
        return UnknownAttribute(match["flake"] or "", match["wanted"] or match["plain"])
    # With a builder's failure every message that follows is only its consequence.
    if match := _BUILDER.search(whole):
        return _builder_failed(match["drv"] or match["one"] or match["new"], log, errors, doing)
    return _other(errors, doing)


class UnknownAttribute(UsageError):
    """A flake has no such attribute; whoever can evaluate it adds the near ones to the hint."""

    def __init__(self, flake: str, wanted: str, near: str = "") -> None:
        place = f"flake {flake}" if flake else "the expression"
        super().__init__(f"{place} has no {wanted}", hint=near or "list what there is: nix flake show")
        self.flake, self.wanted = flake, wanted


def _builder_failed(drv: str, log: NixLog, errors: Sequence[Message], doing: str) -> ReproError:
    failed = next((builder for builder in reversed(log.builders) if builder.drv == drv), None)
    first = next(message.innermost for message in errors if _BUILDER.search(message.text))
    said = [line for line in first.splitlines() if line.strip()]
    tail = list(failed.tail) if failed is not None else _quoted(first)
    reason = next((match[0] for line in said if (match := re.search(r"failed.*", line))), "failed").rstrip(
        ";:,."
    )
    last = "\n".join(f"> {line}" for line in tail) or "> (its log is empty)"
    hint = _hint(first + "\n" + "\n".join(tail)) or f"see the whole log: nix log {drv}"
    return ToolFailed(f"{doing}: the builder of {short(drv)} {reason}\n{last}", hint=hint)


def _quoted(message: str) -> list[str]:
    """The last lines of a builder's log as Nix quotes them."""
    return [match[1] for line in message.splitlines() if (match := re.match(r"\s*> ?(.*)", line))]


def _other(errors: Sequence[Message], doing: str) -> ReproError:
    if not errors:
        return ToolFailed(f"{doing}: Nix failed and said nothing", hint="run the same with nix itself")
    first = errors[0]
    cause = first.innermost.strip() or first.text.strip()
    trace = first.text.strip().removeprefix("error:").strip()
    below = f"\n{trace[:MAX_TRACE]}" if trace != cause else ""
    others = "".join(f"\n{message.innermost.strip()}" for message in errors[1:4])
    hint = _hint("\n".join(message.text for message in errors))
    return ToolFailed(
        f"{doing}: {cause}{others}{below}",
        hint=hint or "nix eval --show-trace shows every step of an evaluation",
    )


def _hint(text: str) -> str:
    return next((hint for pattern, hint in HINTS if re.search(pattern, text)), "")


def short(path: str) -> str:
    """A store path for people: its last part without the hash."""
    return path.rpartition("/")[2][33:] or path
