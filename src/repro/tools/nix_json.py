"""What Nix prints as JSON, in every shape from 2.8 to 2.35, Lix and Determinate, as values of one shape.

Parsed by pydantic's core and not by `repro.core.strictjson`: only the fields that are asked for become Python
objects, which for a closure of 20,000 paths is the difference between seconds and tenths of them. Nix
writes these documents itself, from its own objects, so a key cannot stand twice in one.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from pydantic_core import SchemaValidator
from pydantic_core import core_schema as schema

from repro.core.errors import FormatError
from repro.tools.collector import collector_paused
from repro.tools.nix_nouns import Built, Derivation, FlakeMetadata, Output, PathInfo, StoreInfo
from repro.tools.nix_schema import (
    BOOL,
    DEFAULT_STORE,
    DERIVATION_VERSIONS,
    INT,
    STORE_NAME,
    STR,
    STRS,
    VERSIONED,
    Paths,
    either,
    known_version,
    maybe,
    parsed,
    table,
    taken,
)

HEX_DIGITS, NIX32_DIGITS = 64, 52
"""Digits of 256 bits."""

_SRI = re.compile(r"sha256-[A-Za-z0-9+/]{43}=")
_NIX32 = "0123456789abcdfghijklmnpqrsvwxyz"
_PATH_INFO_VERSIONS = {2, 3}

_HASH = either(STR, table(need={"algorithm": STR, "hash": STR}, may={"format": STR}))
_INFO = table(
    may={
        "path": STR,
        "valid": BOOL,
        "narHash": _HASH,
        "narSize": INT,
        "references": STRS,
        "deriver": maybe(STR),
        "registrationTime": maybe(INT),
        "signatures": schema.list_schema(either(STR, table(need={"keyName": STR, "sig": STR}))),
        "ca": schema.any_schema(),
        "closureSize": maybe(INT),
        "ultimate": BOOL,
    }
)
_INFOS = schema.dict_schema(STR, maybe(_INFO))
_INFO_LIST = SchemaValidator(schema.list_schema(_INFO))
_INFO_MAP = SchemaValidator(_INFOS)
_INFO_DOCUMENT = SchemaValidator(table(need={"version": INT, "storeDir": STR, "info": _INFOS}))

_OUTPUTS = table(need={"outputs": STRS})
_OUTPUT = table(may=dict.fromkeys(("path", "hash"), maybe(STR)))


def _drvs(outputs: Any) -> Any:  # noqa: ANN401 - pydantic's
    """A schema of derivations by path; `outputs` is that of the outputs of an input."""
    inputs = schema.dict_schema(STR, outputs)
    return schema.dict_schema(
        STR,
        table(
            need={"outputs": schema.dict_schema(STR, _OUTPUT), "system": STR},
            may={
                "name": STR,
                "version": INT,
                "env": table(may={"out": STR}),
                "inputs": table(need={"srcs": STRS, "drvs": inputs}),
                "inputSrcs": STRS,
                "inputDrvs": inputs,
            },
        ),
    )


_DRV_MAP = SchemaValidator(_drvs(either(_OUTPUTS, STRS)))
_DRV_DOCUMENT = SchemaValidator(table(need={"version": INT, "derivations": _drvs(_OUTPUTS)}))

_LIST = re.compile(rb"\s*\[")

_BUILT = SchemaValidator(
    schema.list_schema(
        either(
            table(
                need={"drvPath": STR, "outputs": schema.dict_schema(STR, STR)},
                may={"startTime": INT, "stopTime": INT},
            ),
            table(need={"path": STR}),
            STR,
        )
    )
)
_FLAKE = SchemaValidator(
    table(
        need={"url": STR},
        may={
            "revision": STR,
            "dirtyRevision": STR,
            "lastModified": INT,
            "path": maybe(STR),
            "locked": table(may={"narHash": STR, "rev": STR, "dirtyRev": STR, "lastModified": INT}),
            "resolved": table(may={"type": STR}),
        },
    )
)
_STORE = SchemaValidator(
    table(need={"url": STR}, may={"version": maybe(STR), "trusted": maybe(either(BOOL, INT))})
)
_NAMES = SchemaValidator(STRS)
_CONFIG = SchemaValidator(schema.dict_schema(STR, table(need={"value": schema.any_schema()})))


def parse_path_info(data: bytes) -> dict[str, PathInfo | None]:
    """`nix path-info --json`: what the store knows, by full path; None for a path that is not in it."""
    with collector_paused():
        store = DEFAULT_STORE
        if _LIST.match(data):
            entries = _by_path(parsed(_INFO_LIST, data, "nix path-info"))
        elif not VERSIONED.match(data):
            entries = parsed(_INFO_MAP, data, "nix path-info")
        else:
            document = parsed(_INFO_DOCUMENT, data, "nix path-info")
            known_version(document["version"], _PATH_INFO_VERSIONS, "nix path-info")
            store, entries = document["storeDir"], document["info"]
        paths = Paths(store)
        return {path: _info(path, entry, paths) for path, entry in taken(entries, paths)}


def parse_derivations(data: bytes) -> dict[str, Derivation]:
    """`nix derivation show`: derivations by full path.

    Where the document has only the last parts of paths, the store's folder is that of an output in a
    derivation's environment, else `/nix/store`.
    """
    with collector_paused():
        if VERSIONED.match(data):
            document = parsed(_DRV_DOCUMENT, data, "nix derivation show")
            known_version(document["version"], DERIVATION_VERSIONS, "nix derivation show")
            entries = document["derivations"]
        else:
            entries = parsed(_DRV_MAP, data, "nix derivation show")
        paths = Paths(_store_of(entries))
        return {path: _derivation(path, entry, paths) for path, entry in taken(entries, paths)}


def parse_built(data: bytes) -> tuple[Built, ...]:
    """`nix build --json`: each derivation and where its outputs are; a bare path has no derivation."""
    paths = Paths(DEFAULT_STORE)
    return tuple(
        Built(
            drv=entry["drvPath"],
            outputs={name: paths[path] for name, path in sorted(entry["outputs"].items())},
        )
        if isinstance(entry, dict) and "drvPath" in entry
        else Built(drv="", outputs={"": paths[entry if isinstance(entry, str) else entry["path"]]})
        for entry in parsed(_BUILT, data, "nix build")
    )


def parse_flake_metadata(data: bytes) -> FlakeMetadata:
    """`nix flake metadata --json`; the URL is as Nix has it, credentials included."""
    document = parsed(_FLAKE, data, "nix flake metadata")
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
    document = parsed(_STORE, data, "nix store info")
    trusted = document.get("trusted")
    return StoreInfo(
        url=document["url"],
        version=document.get("version") or "",
        trusted=None if trusted is None else bool(trusted),
    )


def parse_config(data: bytes) -> dict[str, Any]:
    """`nix config show --json` (`nix show-config` before 2.20): the value of each setting."""
    return {name: entry["value"] for name, entry in parsed(_CONFIG, data, "nix config show").items()}


def parse_names(data: bytes) -> tuple[str, ...]:
    """`nix eval --json --apply builtins.attrNames`."""
    return tuple(parsed(_NAMES, data, "nix eval"))


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


def _info(path: str, entry: dict[str, Any] | None, paths: Paths) -> PathInfo | None:
    if entry is None:
        return None
    if "narHash" not in entry or "narSize" not in entry:
        raise FormatError(f"nix path-info: {path}: no narHash or narSize")
    deriver = entry.get("deriver")
    return PathInfo(
        path,
        _nar_hash(entry["narHash"], path),
        entry["narSize"],
        tuple([paths[reference] for reference in entry.get("references", ())]),
        paths[deriver] if deriver else "",
        entry.get("registrationTime") or 0,
        tuple([_signature(signature) for signature in entry.get("signatures", ())]),
        entry.get("closureSize"),
        bool(entry.get("ca")),
        entry.get("ultimate", False),
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
        if folder and STORE_NAME.fullmatch(name) and (path.endswith(name) if path else output.get("hash")):
            return str(folder)
    return DEFAULT_STORE


def _derivation(path: str, entry: dict[str, Any], paths: Paths) -> Derivation:
    if entry.get("version", 3) not in DERIVATION_VERSIONS:
        known_version(entry["version"], DERIVATION_VERSIONS, "nix derivation show")
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


def _output(value: dict[str, Any], name: str, entry: dict[str, Any], paths: Paths) -> Output:
    """An output; one with a fixed hash has no path of its own in newer versions, but its environment has.

    An output that is addressed by its content has no path before it is built: "".
    """
    path = value.get("path") or ""
    if not path and name == "out" and value.get("hash"):
        path = entry.get("env", {}).get("out", "")
    return Output(path=paths[path] if path else "", is_fixed=bool(value.get("hash")))
