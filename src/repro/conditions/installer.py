"""uv as installer: how it is called, which of the caller's variables it sees, and what its refusals mean."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from repro.core.errors import RealisationError, ToolNotFound
from repro.tools import process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from repro.tools.process import Completed

# Where packages come from and how they travel is the caller's choice; every other variable of uv, and all of
# Python's, could change what gets installed.
CALLERS = re.compile(
    r"UV_((DEFAULT_|EXTRA_)?INDEX.*|FIND_LINKS|OFFLINE|CACHE_DIR|NO_CACHE|HTTP_.*|REQUEST_TIMEOUT|INSECURE_HOST"
    r"|NATIVE_TLS|SYSTEM_CERTS|KEYRING_PROVIDER|CREDENTIALS_DIR|[A-Z0-9]+_ENDPOINT_URL|CONCURRENT_.*)"
)
INVALIDATION = "UNCHECKED_HASH"
"""Bytecode bound to its source by hash (PEP 552), so that it does not depend on the time of installation, and
not compared with it at import: the tree is hashed when it is made and watched around each run."""

FOREIGN = re.compile(r"(UV|PYTHON|PIP|CONDA|VIRTUAL_ENV|PYC_|__PYVENV).*")

QUIET = ("--no-config", "--no-progress", "--color", "never")
REQUIREMENTS = "requirements.lock"
"""The name of the lock as it is written for uv."""

TIMEOUT_SECONDS = 3600
TAIL = 1500
"""Characters of uv's own words that an error carries."""


class SourceOnly(RealisationError):
    """A locked package has no wheel that fits: it would have to be built."""


def find_uv() -> Path:
    """The uv binary of the `uv` package."""
    from pathlib import Path

    import uv

    try:
        return Path(uv.find_uv_bin())
    except FileNotFoundError as error:
        raise ToolNotFound("uv: not found", hint="install it: pip install uv") from error


def variables_for_uv(callers: Mapping[str, str]) -> dict[str, str]:
    """The variables that uv gets: the caller's, without those that could change what it installs."""
    return {
        name: value
        for name, value in callers.items()
        if CALLERS.fullmatch(name) or not FOREIGN.fullmatch(name)
    }


def venv_command(uv: Path, interpreter: Path, tree: Path, *, relocatable: bool) -> list[str]:
    """The command that makes an empty virtual environment of an interpreter.

    In a `relocatable` one programs find the interpreter beside themselves, not at the place of installation.
    """
    options = ("--no-project", "--no-python-downloads", "--link-mode", "copy", "--python", str(interpreter))
    return [str(uv), "venv", *QUIET, *options, *(["--relocatable"] if relocatable else []), str(tree)]


def install_command(uv: Path, python: Path, requirements: Path, *, sandboxed: bool) -> list[str]:
    """The command that installs a lock, hashes required.

    It runs no code of a package: wheels only, and no bytecode (see `compile_command`), unless `sandboxed`.
    """
    options = ("--require-hashes", "--link-mode", "copy", "--no-python-downloads")
    kind = ("--compile-bytecode",) if sandboxed else ("--only-binary", ":all:")
    where = ("--python", str(python), "--requirements", str(requirements))
    return [str(uv), "pip", "install", *QUIET, *options, *kind, *where]


def compile_command(interpreter: Path, tree: Path) -> list[str]:
    """The command that compiles all modules below `tree` to bytecode.

    uv could do it, but would start the environment's own interpreter, which executes the `.pth` files of the
    packages: their code would run outside the sandbox. `-S` leaves those alone.
    """
    options = ("--invalidation-mode", INVALIDATION.lower().replace("_", "-"), "-f", "-q", "-q", "-j", "0")
    return [str(interpreter), "-I", "-S", "-m", "compileall", *options, str(tree / "lib")]


def run_tool(argv: Sequence[str], *, cwd: Path, variables: Mapping[str, str], held: int) -> Completed:
    """Run a tool to its end; it inherits the lock `held`, and keeps it where it outlives a killed caller."""
    return process.run(
        argv,
        cwd=cwd,
        env=variables,
        timeout_seconds=TIMEOUT_SECONDS,
        check=False,
        pass_fds=(held,),
        hint="look at the network, then run the same command again",
    )


def explain(said: str, *, name: str, python: str) -> RealisationError:
    """The error that uv's standard error stands for; its last words are kept."""
    flat = " ".join(said.split())
    kind, text, hint = next(
        (
            (SourceOnly if pattern == SOURCE_ONLY else RealisationError, message(match, python), hint)
            for pattern, message, hint in REFUSALS
            if (match := re.search(pattern, flat))
        ),
        (RealisationError, "uv failed", "read uv's words above"),
    )
    return kind(f"environment {name}: {text}\nuv said:\n{said.strip()[-TAIL:]}", hint=hint)


SOURCE_ONLY = r"([\w.-]+==\S+) has no usable wheels|Wheels are required for `([^`]+)`"
RENEW = "renew the lock: uv pip compile --generate-hashes --universal requirements.in -o requirements.lock"

# What uv says (0.8 to 0.13), what that means, and what to do. The first that is found counts.
REFUSALS: tuple[tuple[str, Callable[[re.Match[str], str], str], str], ...] = (
    (
        r"Hash mismatch for `([^`]+)` Expected: (.+?) Computed: (\S+)",
        lambda found, _: f"{found[1]} does not have its locked hash: expected {found[2]}, got {found[3]}",
        f"find out why the file differs from the locked one before you {RENEW}",
    ),
    (
        SOURCE_ONLY,
        lambda found, _: f"{found[1] or found[2]} has no wheel that fits, only a source distribution",
        "`--allow-build` builds it inside the sandbox; or lock a version that has a wheel",
    ),
    (
        r"([\w.-]+==\S+) has no wheels with a matching ([^(]+?) \(",
        lambda found, python: f"{found[1]} has no wheel for Python {python} on this platform ({found[2]})",
        f"take another Python, or lock a version that has such a wheel; {RENEW}",
    ),
    (
        r"Hash-checking is required, but|--require-hashes`? mode",
        lambda _, __: "the lock is not complete: a package that it needs has no version and hash",
        RENEW,
    ),
    (
        r"does not satisfy Python",
        lambda _, python: f"a locked package does not support Python {python}",
        f"set the environment's `python` to one that it supports, or {RENEW}",
    ),
    (
        r"No space left on device",
        lambda _, __: "the disk is full",
        "free space, then run the same command again",
    ),
    (
        r"network was disabled",
        lambda _, __: "a package is not in uv's cache and the network is switched off (UV_OFFLINE)",
        "unset UV_OFFLINE once, so that the packages are fetched",
    ),
    (
        r"[Ff]ailed to fetch|error sending request|dns error|[Tt]imed out|Could not connect",
        lambda _, __: "the package index cannot be reached",
        "look at the network, the proxy and UV_DEFAULT_INDEX, then run the same command again",
    ),
    (
        r"there (?:is|are) no versions? of ([\w.-]+(?:==\S+)?)|Because ([\w.-]+) was not found in",
        lambda found, _: f"the package index does not have {found[1] or found[2]}",
        f"look at UV_DEFAULT_INDEX and UV_FIND_LINKS, or {RENEW}",
    ),
    (
        r"requirements are unsatisfiable|No solution found",
        lambda _, python: f"the locked versions do not fit together on Python {python}",
        RENEW,
    ),
    (
        r"Failed to build `([^`]+)`",
        lambda found, _: f"building {found[1]} from source failed",
        "read its words above; it is built inside the sandbox",
    ),
)


def version_of_uv() -> str:
    """The version of the installed `uv` package."""
    from importlib.metadata import version

    return version("uv")
