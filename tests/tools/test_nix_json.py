from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.core.errors import FormatError
from repro.tools import nix_json, nix_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from repro.tools.nix_nouns import PathInfo

SHAPES = Path(__file__).parent / "nix-json"
PARSERS = (
    nix_json.parse_path_info,
    nix_json.parse_derivations,
    nix_json.parse_built,
    nix_json.parse_flake_metadata,
    nix_json.parse_store_info,
    nix_json.parse_config,
    nix_json.parse_names,
)
DET = "/nix/store/cq7blqxrj6x9ikb8vh3b2q6b9xilk9si-det"
DET_DRV = "/nix/store/zg1h9bzr0xf06g00lc8liql1pzwckcbg-det.drv"
TOOLS = "/nix/store/57p3n3yvry0cimhfdwnq3hjfawkmnq0y-tools"
WHEEL = "6y6k10gcqijp1a790cwcrq3bkhq5gcvb-iniconfig-2.1.0-py3-none-any.whl"


def recorded(name: str) -> bytes:
    return (SHAPES / name).read_bytes()


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(recorded(name))
    return found


def written(value: object) -> bytes:
    return json.dumps(value).encode()


def facts(infos: dict[str, PathInfo | None]) -> list[tuple[object, ...]]:
    """What every version must agree on; when a path was registered is each store's own."""
    found: list[tuple[object, ...]] = []
    for path, info in sorted(infos.items()):
        assert info is not None
        found.append((path, info._replace(registered=0, ultimate=False)))
    return found


@pytest.mark.parametrize("version", ["2.8.0", "2.34.8.v1", "2.34.8.v2"])
def test_every_version_says_the_same_of_paths(version: str) -> None:
    """A list, a map and a versioned document of the same store come to the same values."""
    infos = nix_json.parse_path_info(recorded(f"path-info.{version}.json"))
    assert facts(infos) == facts(nix_json.parse_path_info(recorded("path-info.2.26.3.json")))
    info = infos[DET]
    assert info is not None
    assert (info.nar_size, info.closure_size, info.deriver) == (792, 4601408, DET_DRV)
    assert info.references == (TOOLS, "/nix/store/jqa3xirsqp7ba1bz0rf51hfyygrcgjnl-lib1")


@pytest.mark.parametrize("version", ["2.8.0", "2.26.3", "2.34.8.v1", "2.34.8.v2"])
def test_a_path_that_is_not_there_is_none(version: str) -> None:
    """`valid: false` and null both mean that a store does not hold a path."""
    infos = nix_json.parse_path_info(recorded(f"path-info-missing.{version}.json"))
    assert infos == {"/nix/store/00000000000000000000000000000000-x": None}


def test_the_third_shape_of_path_info() -> None:
    """Version 3 has signatures, hashes and content addresses as objects; they mean the same."""
    second = document("path-info.2.34.8.v2.json")
    third = copy.deepcopy(second) | {"version": 3}
    for info in third["info"].values():
        pairs = [signature.split(":") for signature in info["signatures"]]
        info["signatures"] = [{"keyName": name, "sig": value} for name, value in pairs]
        algorithm, _, value = info["narHash"].partition("-")
        info["narHash"] = {"algorithm": algorithm, "format": "base64", "hash": value}
        info["ca"] = {"method": "nar", "hash": "sha256-x"}
    infos = nix_json.parse_path_info(written(third))
    assert all(info is not None and info.is_content_addressed for info in infos.values())
    for info in third["info"].values():
        info["ca"] = None
    assert nix_json.parse_path_info(written(third)) == nix_json.parse_path_info(written(second))


@pytest.mark.parametrize(
    "value",
    [
        "sha256:" + "0" * 52,
        "sha256:" + "00" * 32,
        {"algorithm": "sha256", "format": "base16", "hash": "00" * 32},
        "sha256-" + "A" * 43 + "=",
    ],
)
def test_hashes_in_every_notation(value: object) -> None:
    """Hexadecimal, Nix's base 32, base 64 and objects of the same hash are equal."""
    shape = {DET: {"narHash": value, "narSize": 1, "references": []}}
    info = nix_json.parse_path_info(written(shape))[DET]
    assert info is not None
    assert info.nar_hash == "sha256-" + "A" * 43 + "="


def test_nix_base_32_is_that_of_nix() -> None:
    """The hash of no bytes, as Nix writes it, is the one of FIPS 180-4."""
    text = "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"
    assert nix_json._from_nix32(text) == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("version", ["2.26.3", "2.34.8"])
def test_every_version_says_the_same_of_derivations(version: str) -> None:
    """Inputs and outputs of the same derivation are equal in every shape."""
    oldest = nix_json.parse_derivations(recorded("drv-show.2.8.0.json"))
    assert nix_json.parse_derivations(recorded(f"drv-show.{version}.json"))[DET_DRV] == oldest[DET_DRV]
    det = oldest[DET_DRV]
    assert (det.name, det.system, det.outputs["out"].path) == ("det", "x86_64-linux", DET)
    assert det.input_drvs == {
        "/nix/store/0igilfnhsvgvyg6ajv4chpy2n4kldzzq-tools.drv": ("out",),
        "/nix/store/zi0r6ik78ra2r94mdc4cmyz9hrm41n0m-lib1.drv": ("out",),
    }


def test_the_shape_of_2_32() -> None:
    """Last parts of paths and a version in each derivation, without a document around them."""
    newest = document("drv-show.2.34.8.json")
    between = {name: value | {"version": 3} for name, value in newest["derivations"].items()}
    assert nix_json.parse_derivations(written(between)) == nix_json.parse_derivations(written(newest))


@pytest.mark.parametrize("version", ["2.8.0", "2.26.3", "2.34.8"])
def test_a_fixed_output_has_its_path(version: str) -> None:
    """A fixed output has a path in every version, although newer ones print it only in the environment."""
    (derivation,) = nix_json.parse_derivations(recorded(f"drv-show-fod.{version}.json")).values()
    output = derivation.outputs["out"]
    assert (output.path, output.is_fixed) == (f"/nix/store/{WHEEL}", True)


@pytest.mark.parametrize("version", ["2.26.3", "2.34.8"])
def test_structured_attributes_change_nothing(version: str) -> None:
    """A derivation with structured attributes has its output and input in every version."""
    (derivation,) = nix_json.parse_derivations(recorded(f"drv-show-structured.{version}.json")).values()
    assert derivation.outputs["out"].path == "/nix/store/64yiirrw3qm93s8habavan4wmzkxk7ql-structured"
    assert list(derivation.input_drvs) == ["/nix/store/0igilfnhsvgvyg6ajv4chpy2n4kldzzq-tools.drv"]


@pytest.mark.parametrize("name", ["drv-show", "drv-show-fod", "drv-show-structured"])
def test_another_store_folder_is_found(name: str) -> None:
    """Where only last parts are printed, the folder of the store comes from an output's own path."""
    data = recorded(f"{name}.2.34.8.json").replace(b"/nix/store/", b"/home/me/store/")
    assert {path.rpartition("/")[0] for path in nix_json.parse_derivations(data)} == {"/home/me/store"}


def test_an_output_addressed_by_content_has_no_path() -> None:
    """A derivation whose output has neither path nor hash is read, with an unknown path."""
    value = document("drv-show.2.26.3.json")[DET_DRV] | {
        "outputs": {"out": {"hashAlgo": "sha256", "method": "nar"}}
    }
    output = nix_json.parse_derivations(written({DET_DRV: value}))[DET_DRV].outputs["out"]
    assert (output.path, output.is_fixed) == ("", False)


def test_what_was_built() -> None:
    """Derivations with their outputs, sorted by name; a path without a derivation, in both spellings."""
    _, multi = nix_json.parse_built(recorded("build.2.34.8.json"))
    assert list(multi.outputs) == ["dev", "out"]
    bare, named = nix_json.parse_built(written([DET, {"path": DET}]))
    assert bare == named
    assert (bare.drv, bare.outputs) == ("", {"": DET})


@pytest.mark.parametrize("version", ["2.26.3", "2.34.8"])
def test_flake_metadata(version: str) -> None:
    """A clean flake has a revision and a hash, a dirty one has another field; the path may be missing."""
    shape = document(f"flake-metadata.{version}.json")
    clean = nix_json.parse_flake_metadata(written(shape))
    assert (clean.revision, clean.dirty_revision) == ("fd12a3754a33ba5815d04adf468bde0c94aa96f9", "")
    assert (clean.is_git, clean.nar_hash) == (True, "sha256-8JtmBrDUc6C7mJGUfxfif3XjIKsKe6OBMT6ufH1m0lw=")
    for table in (shape, shape["locked"]):
        table.pop("revision", None)
        table.pop("rev", None)
    del shape["path"]
    dirty = nix_json.parse_flake_metadata(written(shape | {"dirtyRevision": "fd12a37-dirty"}))
    assert (dirty.revision, dirty.dirty_revision) == ("", "fd12a37-dirty")


@pytest.mark.parametrize(
    ("shape", "trusted"),
    [({"trusted": True}, True), ({"trusted": 0}, False), ({}, None), ({"trusted": None}, None)],
)
def test_store_info(shape: dict[str, object], trusted: bool | None) -> None:  # noqa: FBT001 - three states
    """Trust is a boolean, a number, null or not said, by version."""
    info = nix_json.parse_store_info(written({"url": "daemon", "version": "2.34.8"} | shape))
    assert (info.url, info.trusted) == ("daemon", trusted)
    assert nix_json.parse_store_info(recorded("store-info.2.34.8.json")).version == "2.34.8"


@pytest.mark.parametrize(
    ("parser", "data"),
    [
        (nix_json.parse_path_info, b'{"version": 4, "storeDir": "/nix/store", "info": {}}'),
        (nix_json.parse_derivations, b'{"version": 5, "derivations": {}}'),
        (nix_json.parse_path_info, b'{"/nix/store/x": null}'),
        (nix_json.parse_path_info, b'{"../../00000000000000000000000000000000-x": null}'),
        (nix_json.parse_path_info, b'[{"valid": false}]'),
        (nix_json.parse_path_info, written({DET: {"narHash": "md5:00", "narSize": 1}})),
        (nix_json.parse_path_info, written({DET: {"narHash": "sha256:zz", "narSize": 1}})),
        (nix_json.parse_path_info, written({DET: {"narHash": "sha256-" + "A" * 43 + "=", "narSize": "1"}})),
        (nix_json.parse_path_info, written([{"path": DET, "valid": False}] * 2)),
        (nix_json.parse_derivations, b"\xef\xbb\xbf{}"),
        (nix_json.parse_derivations, b"[" * 100_000),
        (nix_json.parse_built, b'[{"drvPath": 1, "outputs": {}}]'),
        (nix_json.parse_flake_metadata, b"[]"),
    ],
)
def test_what_is_no_such_document_is_refused(parser: Callable[[bytes], object], data: bytes) -> None:
    """Unknown versions, foreign paths, wrong hashes, types and depths raise FormatError."""
    with pytest.raises(FormatError):
        parser(data)


def test_a_document_over_the_cap_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cap holds before anything is parsed."""
    monkeypatch.setattr(nix_schema, "MAX_BYTES", 10)
    with pytest.raises(FormatError, match="more than the 10"):
        nix_json.parse_names(b'["01234567890"]')


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([DET, DET_DRV]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "path",
                    "narHash",
                    "narSize",
                    "info",
                    "version",
                    "storeDir",
                    "outputs",
                    "inputs",
                    "system",
                    "url",
                    DET,
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.binary(max_size=40) | VALUES.map(written))
def test_nothing_but_a_format_error_comes_out(data: bytes) -> None:
    """Any bytes and any JSON are parsed or refused with FormatError, by every parser."""
    for parser in PARSERS:
        try:
            parser(data)
        except FormatError:
            continue
