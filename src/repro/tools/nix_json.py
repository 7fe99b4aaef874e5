"""What Nix prints as JSON, in every shape from 2.8 to 2.35, Lix and Determinate, as values of one shape.

Parsed by pydantic's core and not by `repro.core.strictjson`: only the fields that are asked for become Python
objects, which for a closure of 20,000 paths is the difference between seconds and tenths of them. Nix
writes these documents itself, from its own objects, so a key cannot stand twice in one.
"""

from __future__ import annotations

import base64
import gc
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic_core import SchemaValidator, ValidationError
from pydantic_core import core_schema as schema

from repro.core.errors import FormatError
from repro.tools.nix_nouns import Built, Derivation, FlakeMetadata, Output, PathInfo, StoreInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_BYTES = 1 << 30
"""Cap on a document, in bytes, before it is parsed."""

DEFAULT_STORE = "/nix/store"
HEX_DIGITS, NIX32_DIGITS = 64, 52
"""Digits of 256 bits."""

_NAME = re.compile(r"[0-9a-z]{32}-[0-9a-zA-Z+._?=-]{1,211}")
"""The last part of a store path (Nix manual, "Store Path")."""

_SRI = re.compile(r"sha256-[A-Za-z0-9+/]{43}=")
_NIX32 = "0123456789abcdfghijklmnpqrsvwxyz"
_PATH_INFO_VERSIONS = {2, 3}
_DERIVATION_VERSIONS = {3, 4}

_STR = schema.str_schema(strict=True)
_INT = schema.int_schema(strict=True)
_BOOL = schema.bool_schema(strict=True)
_STRS = schema.list_schema(_STR)


def _table(*, need: Mapping[str, Any] | None = None, may: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - pydantic's
    """A schema of an object with fields that must and that may be there; others are passed over."""
    fields = {name: schema.typed_dict_field(kind) for name, kind in (need or {}).items()}
    fields |= {name: schema.typed_dict_field(kind, required=False) for name, kind in (may or {}).items()}
    return schema.typed_dict_schema(fields, extra_behavior="ignore")


def _maybe(kind: Any) -> Any:  # noqa: ANN401 - pydantic's
    return schema.nullable_schema(kind)


def _either(*kinds: Any) -> Any:  # noqa: ANN401 - pydantic's
    return schema.union_schema(list(kinds), mode="left_to_right")


_HASH = _either(_STR, _table(need={"algorithm": _STR, "hash": _STR}, may={"format": _STR}))
_INFO = _table(
    may={
        "path": _STR,
        "valid": _BOOL,
        "narHash": _HASH,
        "narSize": _INT,
        "references": _STRS,
        "deriver": _maybe(_STR),
        "registrationTime": _maybe(_INT),
        "signatures": schema.list_schema(_either(_STR, _table(need={"keyName": _STR, "sig": _STR}))),
        "ca": schema.any_schema(),
        "closureSize": _maybe(_INT),
        "ultimate": _BOOL,
    }
)
_INFOS = schema.dict_schema(_STR, _maybe(_INFO))
_INFO_LIST = SchemaValidator(schema.list_schema(_INFO))
_INFO_MAP = SchemaValidator(_INFOS)
_INFO_DOCUMENT = SchemaValidator(_table(need={"version": _INT, "storeDir": _STR, "info": _INFOS}))

_OUTPUTS = _table(need={"outputs": _STRS})
_OUTPUT = _table(may=dict.fromkeys(("path", "hash"), _maybe(_STR)))


def _drvs(outputs: Any) -> Any:  # noqa: ANN401 - pydantic's
    """A schema of derivations by path; `outputs` is that of the outputs of an input."""
    inputs = schema.dict_schema(_STR, outputs)
    return schema.dict_schema(
        _STR,
        _table(
            need={"outputs": schema.dict_schema(_STR, _OUTPUT), "system": _STR},
            may={
                "name": _STR,
                "version": _INT,
                "env": _table(may={"out": _STR}),
                "inputs": _table(need={"srcs": _STRS, "drvs": inputs}),
                "inputSrcs": _STRS,
                "inputDrvs": inputs,
            },
        ),
    )


_DRV_MAP = SchemaValidator(_drvs(_either(_OUTPUTS, _STRS)))
_DRV_DOCUMENT = SchemaValidator(_table(need={"version": _INT, "derivations": _drvs(_OUTPUTS)}))

_VERSIONED = re.compile(rb"\s*\{\s*\"(?:version|storeDir|info|derivations)\"\s*:")
_LIST = re.compile(rb"\s*\[")
"""How a document begins says which shape it has; to try one shape after another takes five times as long."""

_BUILT = SchemaValidator(
    schema.list_schema(
        _either(
            _table(
                need={"drvPath": _STR, "outputs": schema.dict_schema(_STR, _STR)},
                may={"startTime": _INT, "stopTime": _INT},
            ),
            _table(need={"path": _STR}),
            _STR,
        )
    )
)
_FLAKE = SchemaValidator(
    _table(
        need={"url": _STR},
        may={
            "revision": _STR,
            "dirtyRevision": _STR,
            "lastModified": _INT,
            "path": _maybe(_STR),
            "locked": _table(may={"narHash": _STR, "rev": _STR, "dirtyRev": _STR, "lastModified": _INT}),
            "resolved": _table(may={"type": _STR}),
        },
    )
)
_STORE = SchemaValidator(
    _table(need={"url": _STR}, may={"version": _maybe(_STR), "trusted": _maybe(_either(_BOOL, _INT))})
)
_NAMES = SchemaValidator(_STRS)
_CONFIG = SchemaValidator(schema.dict_schema(_STR, _table(need={"value": schema.any_schema()})))


def parse_path_info(data: bytes) -> dict[str, PathInfo | None]:
    """`nix path-info --json`: what the store knows, by full path; None for a path that is not in it."""
    with _collector_paused():
        store = DEFAULT_STORE
        if _LIST.match(data):
            entries = _by_path(_parsed(_INFO_LIST, data, "nix path-info"))
        elif not _VERSIONED.match(data):
            entries = _parsed(_INFO_MAP, data, "nix path-info")
        else:
            document = _parsed(_INFO_DOCUMENT, data, "nix path-info")
            _known_version(document["version"], _PATH_INFO_VERSIONS, "nix path-info")
            store, entries = document["storeDir"], document["info"]
        paths = _Paths(store)
        return {path: _info(path, entry, paths) for path, entry in _taken(entries, paths)}


def parse_derivations(data: bytes) -> dict[str, Derivation]:
    """`nix derivation show`: derivations by full path.

    Where the document has only the last parts of paths, the store's folder is that of an output in a
    derivation's environment, else `/nix/store`.
    """
    with _collector_paused():
        if _VERSIONED.match(data):
            document = _parsed(_DRV_DOCUMENT, data, "nix derivation show")
            _known_version(document["version"], _DERIVATION_VERSIONS, "nix derivation show")
            entries = document["derivations"]
        else:
            entries = _parsed(_DRV_MAP, data, "nix derivation show")
        paths = _Paths(_store_of(entries))
        return {path: _derivation(path, entry, paths) for path, entry in _taken(entries, paths)}


def parse_built(data: bytes) -> tuple[Built, ...]:
    """`nix build --json`: each derivation and where its outputs are; a bare path has no derivation."""
    paths = _Paths(DEFAULT_STORE)
    return tuple(
        Built(
            drv=entry["drvPath"],
            outputs={name: paths[path] for name, path in sorted(entry["outputs"].items())},
        )
        if isinstance(entry, dict) and "drvPath" in entry
        else Built(drv="", outputs={"": paths[entry if isinstance(entry, str) else entry["path"]]})
        for entry in _parsed(_BUILT, data, "nix build")
    )


def parse_flake_metadata(data: bytes) -> FlakeMetadata:
    """`nix flake metadata --json`; the URL is as Nix has it, credentials included."""
    document = _parsed(_FLAKE, data, "nix flake metadata")
    locked = document.get("locked", {})
    return FlakeMetadata(
        url=document["url"],
        revision=document.get("revision") or locked.get("rev", ""),
        dirty_revision=document.get("dirtyRevision") or locked.get("dirtyRev", ""),
        nar_hash=locked.get("narHash", ""),
        last_modified=document.get("lastModified", locked.get("lastModified", 0)),
        is_git="git" in document.get("resolved", {}).get("type", ""),
    )


def parse_store_info(data: bytes) -> StoreInfo:
    """`nix store info --json` (`nix store ping` before 2.19); `trusted` is None where Nix cannot know."""
    document = _parsed(_STORE, data, "nix store info")
    trusted = document.get("trusted")
    return StoreInfo(
        url=document["url"],
        version=document.get("version") or "",
        trusted=None if trusted is None else bool(trusted),
    )


def parse_config(data: bytes) -> dict[str, Any]:
    """`nix config show --json` (`nix show-config` before 2.20): the value of each setting."""
    return {name: entry["value"] for name, entry in _parsed(_CONFIG, data, "nix config show").items()}


def parse_names(data: bytes) -> tuple[str, ...]:
    """`nix eval --json --apply builtins.attrNames`."""
    return tuple(_parsed(_NAMES, data, "nix eval"))


def _parsed(validator: SchemaValidator, data: bytes, name: str) -> Any:  # noqa: ANN401 - JSON is any value
    if len(data) > MAX_BYTES:
        raise FormatError(f"{name}: {len(data)} bytes, more than the {MAX_BYTES} that are read")
    try:
        return validator.validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FormatError(
            f"{name}: {first['msg']}" + (f" at {place[:300]}" if place else ""),
            hint="this version of Nix may print a shape that is not known here: nix --version",
        ) from error


@contextmanager
def _collector_paused() -> Iterator[None]:
    """No cycle can come of parsing, and looking for some takes longer than the parsing itself."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _by_path(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The list of Nix up to 2.18 and of Lix by path; `valid` is false where a path is not there."""
    found: dict[str, Any] = {}
    for entry in entries:
        path = entry.get("path")
        if path is None or path in found:
            raise FormatError(
                f"nix path-info: an entry {'without a path' if path is None else f'twice: {path}'}"
            )
        found[path] = entry if entry.get("valid", True) else None
    return found


def _taken(entries: dict[str, Any], paths: _Paths) -> Iterator[tuple[str, Any]]:
    """Entries under their full path, taken out one by one so that their memory is free at once."""
    for key in list(entries):
        yield paths[key], entries.pop(key)


class _Paths(dict[str, str]):
    """Full store paths from such or from their last parts, each looked at and kept once."""

    def __init__(self, store: str) -> None:
        super().__init__()
        self.store = store

    def __missing__(self, text: str) -> str:
        folder, slash, name = text.rpartition("/")
        if not _NAME.fullmatch(name) or (slash and not folder.startswith("/")):
            raise FormatError(f"not a store path: {text[:300]!r}")
        full = self[text] = text if slash else f"{self.store}/{name}"
        return full


def _info(path: str, entry: dict[str, Any] | None, paths: _Paths) -> PathInfo | None:
    if entry is None:
        return None
    if "narHash" not in entry or "narSize" not in entry:
        raise FormatError(f"nix path-info: {path}: no narHash or narSize")
    deriver = entry.get("deriver")
    return PathInfo(
        path=path,
        nar_hash=_nar_hash(entry["narHash"], path),
        nar_size=entry["narSize"],
        references=tuple([paths[reference] for reference in entry.get("references", ())]),
        deriver=paths[deriver] if deriver else "",
        registered=entry.get("registrationTime") or 0,
        signatures=tuple([_signature(signature) for signature in entry.get("signatures", ())]),
        closure_size=entry.get("closureSize"),
        is_content_addressed=bool(entry.get("ca")),
        ultimate=entry.get("ultimate", False),
    )


def _signature(value: str | dict[str, str]) -> str:
    """`KEY:BASE64`, from that or from an object."""
    return value if isinstance(value, str) else f"{value['keyName']}:{value['sig']}"


def _nar_hash(value: str | dict[str, str], where: str) -> str:
    """A SHA-256 as SRI, from SRI, `sha256:` and hexadecimal or Nix's own base 32, or an object."""
    if isinstance(value, dict):
        value = f"{value['algorithm']}{'-' if value.get('format') == 'base64' else ':'}{value['hash']}"
    if _SRI.fullmatch(value):
        return value
    algorithm, _, text = value.partition(":")
    try:
        raw = bytes.fromhex(text) if len(text) == HEX_DIGITS else _from_nix32(text)
    except (ValueError, OverflowError):
        raw = b""
    if algorithm != "sha256" or len(text) not in {HEX_DIGITS, NIX32_DIGITS} or not raw:
        raise FormatError(f"{where}: not a sha256: {value[:100]!r}")
    return "sha256-" + base64.b64encode(raw).decode()


def _from_nix32(text: str) -> bytes:
    """Nix's base 32: its own letters, least significant digit last, bytes in little-endian order."""
    number = 0
    for letter in text:
        number = number * 32 + _NIX32.index(letter)
    return number.to_bytes(32, "little")


def _store_of(entries: dict[str, Any]) -> str:
    """The folder of the store, from the first output whose whole path its environment has."""
    for entry in entries.values():
        folder, _, name = entry.get("env", {}).get("out", "").rpartition("/")
        output = entry["outputs"].get("out", {})
        path = output.get("path") or ""
        if folder and _NAME.fullmatch(name) and (path.endswith(name) if path else output.get("hash")):
            return str(folder)
    return DEFAULT_STORE


def _derivation(path: str, entry: dict[str, Any], paths: _Paths) -> Derivation:
    if entry.get("version", 3) not in _DERIVATION_VERSIONS:
        _known_version(entry["version"], _DERIVATION_VERSIONS, "nix derivation show")
    inputs = entry.get("inputs") or {"srcs": entry.get("inputSrcs"), "drvs": entry.get("inputDrvs")}
    if inputs["srcs"] is None or inputs["drvs"] is None:
        raise FormatError(f"nix derivation show: {path}: no inputs")
    return Derivation(
        path=path,
        name=entry.get("name") or path.rpartition("/")[2][33:].removesuffix(".drv"),
        system=entry["system"],
        outputs={
            name: _output(value, name, entry, paths) for name, value in sorted(entry["outputs"].items())
        },
        input_drvs={
            paths[drv]: tuple(names["outputs"] if isinstance(names, dict) else names)
            for drv, names in inputs["drvs"].items()
        },
        input_srcs=tuple([paths[source] for source in inputs["srcs"]]),
    )


def _output(value: dict[str, Any], name: str, entry: dict[str, Any], paths: _Paths) -> Output:
    """An output; one with a fixed hash has no path of its own in newer versions, but its environment has.

    An output that is addressed by its content has no path before it is built: "".
    """
    path = value.get("path") or ""
    if not path and name == "out" and value.get("hash"):
        path = entry.get("env", {}).get("out", "")
    return Output(path=paths[path] if path else "", is_fixed=bool(value.get("hash")))


def _known_version(version: int, known: set[int], name: str) -> None:
    if version not in known:
        listed = " and ".join(str(number) for number in sorted(known))
        raise FormatError(
            f"{name}: version {version} of the document; known are {listed}",
            hint="take a release of Nix from 2.8 to 2.35",
        )
