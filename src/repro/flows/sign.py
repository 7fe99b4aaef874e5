"""`repro sign`: statements and files become Sigstore bundles, by keys or by an identity."""

from __future__ import annotations

import stat
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from repro.attest.bundle_writing import lines_of
from repro.attest.keys import asks_password, load_private
from repro.attest.signing import KeySigner, require_file
from repro.attest.statement import Statement, parse_statement
from repro.core import strictjson
from repro.core.digest import of_bytes
from repro.core.errors import FormatError, ReproError, UsageError
from repro.tools import host
from repro.tools.files import disk_errors, read_capped, write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from repro.attest.keys import PrivateKey
    from repro.attest.signing import Signer

MAX_FILE = 2 << 30
"""Cap on a file that is signed, in bytes: it is read whole, so that what is hashed is what is signed."""

MAX_PASSWORD = 1024
"""Cap on a password, in bytes."""

MAX_TOKEN = 64 << 10
"""Cap on an identity token, in bytes."""

SUFFIX = ".sigstore.json"
SUFFIX_LINES = ".sigstore.jsonl"
"""What a bundle beside its file is called, and several of them."""

STATEMENT = "https://in-toto.io/Statement/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is asked for: files, who signs, and where bundles go (None: beside each file).

    `password_files` are one for all keys or one for each; `ask` asks a person for the password of a key.
    """

    files: tuple[Path, ...]
    keys: tuple[Path, ...] = ()
    password_files: tuple[Path, ...] = ()
    password_variable: str = ""
    ask: Callable[[Path], bytes] | None = None
    token_file: Path | None = None
    interactive: bool = False
    trust_config: Path | None = None
    timestamp_url: str = ""
    as_blob: bool = False
    out: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """One file that was signed: what it was, its SHA-256, who signed, and where the bundles are."""

    file: Path
    kind: str
    sha256: str
    signers: tuple[str, ...]
    bundle: Path

    def to_dict(self) -> dict[str, Any]:
        """For the document of `--json`."""
        return {
            "file": str(self.file),
            "kind": self.kind,
            "sha256": self.sha256,
            "signers": list(self.signers),
            "bundle": str(self.bundle),
        }


def sign(wishes: Wishes) -> tuple[Signed, ...]:
    """Sign every file by every signer; nothing is written unless all of it could be signed."""
    contents = {file: _content(file, as_blob=wishes.as_blob) for file in wishes.files}
    places = _places(wishes)
    bundles: dict[Path, list[bytes]] = {}
    signed = []
    with disk_errors("signing"):
        with signers(wishes) as found:
            for file, (data, statement) in contents.items():
                made = [one.statement(statement) if statement else one.blob(data) for one in found]
                bundles.setdefault(places[file], []).extend(made)
                signed.append(
                    Signed(
                        file=file,
                        kind=statement.predicate_type if statement else "file",
                        sha256=of_bytes(data).hex,
                        signers=tuple(one.name for one in found),
                        bundle=places[file],
                    )
                )
        for place, made in bundles.items():
            write_atomic(place, lines_of(made))
    return tuple(signed)


def _content(file: Path, *, as_blob: bool) -> tuple[bytes, Statement | None]:
    """A file's bytes, and the statement that they are; what looks like one and is none is refused."""
    try:
        data = read_capped(file, MAX_FILE)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", hint="name files that exist") from error
    if as_blob or not data.lstrip().startswith(b"{") or STATEMENT.encode() not in data:
        require_file(data, name=str(file))
        return data, None
    try:
        value = strictjson.parse(data, name=str(file))
    except FormatError:
        value = None
    if isinstance(value, dict) and not str(value.get("_type")).startswith(STATEMENT):
        return data, None  # it only speaks of statements
    try:
        return data, parse_statement(data, name=str(file))
    except FormatError as error:
        hint = "correct it, or sign its bytes as those of any file: --blob"
        raise FormatError(error.message, hint=error.hint or hint) from error


def _places(wishes: Wishes) -> dict[Path, Path]:
    """Where the bundles of each file go."""
    several = len(wishes.keys) > 1
    out, suffix = wishes.out, SUFFIX_LINES if several else SUFFIX
    beside = {file: file.with_name(file.name + suffix) for file in wishes.files}
    if out is None:
        return beside
    if out.is_dir() or out.suffix not in {".json", ".jsonl"}:
        return {file: out / place.name for file, place in beside.items()}
    if (several or len(wishes.files) > 1) and out.suffix != ".jsonl":
        raise UsageError(
            f"{out}: several bundles do not fit one .json file",
            hint=f"name a folder, or a file of lines such as NAME{SUFFIX_LINES}",
        )
    return dict.fromkeys(wishes.files, out)


@contextmanager
def signers(wishes: Wishes) -> Iterator[Sequence[Signer]]:
    """All who sign; an identity's certificate serves for all files."""
    if not wishes.keys:
        from repro.attest.sigstore_signing import Identity, signing

        identity = Identity(
            token=_read_token(wishes.token_file) if wishes.token_file else "",
            interactive=wishes.interactive,
            trust_config=wishes.trust_config,
            timestamp_url=wishes.timestamp_url,
        )
        with signing(identity) as signer:
            yield (signer,)
        return
    stamp = None
    if wishes.timestamp_url:
        from repro.attest.signing_time import timestamp

        stamp = partial(timestamp, wishes.timestamp_url)
    keys = private_keys(wishes)
    yield tuple(KeySigner(key=key, stamp=stamp) for key in keys)


def private_keys(wishes: Wishes) -> list[PrivateKey]:
    """The keys that are named, each once."""
    keys = [load_private(path, _password(wishes, index, path)) for index, path in enumerate(wishes.keys)]
    if len({key.public.der for key in keys}) < len(keys):
        raise UsageError("the same key is named twice", hint="several signers need several keys")
    return keys


def _read_token(path: Path) -> str:
    try:
        return read_capped(path, MAX_TOKEN).decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not a token", hint="write the OIDC token into it") from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="name a file that holds the token") from error


def _password(wishes: Wishes, index: int, key: Path) -> bytes:
    """The password of one key: from a file, from a variable, or asked for; b"" where it needs none."""
    if not asks_password(key):
        return b""
    if wishes.password_files:
        files = wishes.password_files
        if len(files) not in {1, len(wishes.keys)}:
            raise UsageError("name one --password-file for all keys, or one for each")
        return read_password(files[index % len(files)])
    if wishes.password_variable:
        return password_from(wishes.password_variable)
    if wishes.ask is None:
        raise UsageError(f"{key}: encrypted, and nobody is here to ask", hint="name it with --password-file")
    return wishes.ask(key)


def read_password(path: Path) -> bytes:
    """The password in a file that only its owner can read, without the line's end."""
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode) and status.st_mode & 0o077:
            raise ReproError(f"{path}: a password that others may read", hint=f"run: chmod 600 {path}")
        word = read_capped(path, MAX_PASSWORD).removesuffix(b"\n").removesuffix(b"\r")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="name a file that holds the password") from error
    if not word:
        raise UsageError(f"{path}: holds no password", hint="write the password into it")
    return word


def password_from(variable: str) -> bytes:
    """The password in an environment variable."""
    word = host.variables().get(variable, "")
    if not word:
        raise UsageError(
            f"the variable {variable} holds no password", hint=f"set {variable}, or leave it out"
        )
    return word.encode(errors="surrogateescape")
