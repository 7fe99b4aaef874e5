"""The one tree of errors; each says what is wrong, where, and in `.hint` what to do next.

    ReproError                     exit 3   could not check
    ├── UsageError                 exit 2   wrong usage
    │   └── ConfigError            exit 2   wrong configuration
    ├── FormatError                exit 1   unparsable evidence: a file that is not what it must be
    │   └── CapError               exit 1   more of something than is read
    ├── EvidenceError              exit 1   a signature, a certificate or a log entry that does not hold
    ├── TamperError                exit 1   something changed that must not have changed
    ├── ToolError                  exit 3   an outside tool is the reason
    │   ├── ToolNotFound
    │   ├── ExtraMissing
    │   └── ToolFailed
    ├── DataError                  exit 3   data is missing or corrupt
    ├── RealisationError           exit 3   an environment cannot be realised
    ├── RunError                   exit 3   the command of a run failed or timed out
    └── MissingBaseline            exit 3   there is nothing to compare with

A negative verdict is not an error: it is a report. Exit codes are those of `repro.core.exits`.
"""

from __future__ import annotations

from repro.core.exits import Exit


class ReproError(Exception):
    """Root of the tree: `message` says what and where, `hint` the next command or edit."""

    exit = Exit.NOT_CHECKED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ReproError):
    """The command line asks for something that does not exist or makes no sense."""

    exit = Exit.USAGE


class ConfigError(UsageError):
    """A configuration file is wrong; the message names file, line and key."""


class FormatError(ReproError):
    """Evidence cannot be parsed: never a pass, never "not measured"."""

    exit = Exit.WRONG


class CapError(FormatError):
    """Evidence holds more of something than is read, which was seen before it was parsed."""


class EvidenceError(ReproError):
    """A signature, a certificate, a timestamp or a log entry does not prove what it claims to."""

    exit = Exit.WRONG


class TamperError(ReproError):
    """Something that must stay the same during a run has changed."""

    exit = Exit.WRONG


class ToolError(ReproError):
    """An outside tool stands in the way."""


class ToolNotFound(ToolError):
    """A program is not on this machine."""


class ExtraMissing(ToolError):
    """A library that an extra of this distribution brings is not installed."""


class ToolFailed(ToolError):
    """A program ran and failed; the message carries the end of what it said."""


class DataError(ReproError):
    """Data is missing or does not have its recorded hash."""


class RealisationError(ReproError):
    """An environment cannot be realised as its lock demands."""


class RunError(ReproError):
    """The command of a run failed, was killed or ran out of time; its logs are kept."""


class MissingBaseline(ReproError):
    """A run has nothing to be compared with."""
