"""The runtime closure as an inventory, from what a store said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packageurl import PackageURL
from tests.sbom.nix.conftest import by_path, closure, recipe, store_path

from repro.core.errors import DataError, FormatError
from repro.sbom.component import NAR_HASH, Kind
from repro.sbom.nix_component import DERIVER, OUTPUT_PATH, SOURCE_HASH, Known
from repro.sbom.nix_names import base, package_url, parsed_name
from repro.sbom.nix_runtime import of_infos

if TYPE_CHECKING:
    from repro.sbom.component import Component, Inventory

HASH = "9eab8a017c88b67594ec5cd7ad267c1e3980b694973de2c3b7066da967d1fb76"
NAMES = {
    "hello-2.12": ["glibc-2.40-66", "hello-2.12", "zlib-1.3-dev"],
    "glibc-2.40-66": [],
    "zlib-1.3-dev": ["glibc-2.40-66", "builder"],
    "builder": [],
}


def one(inventory: Inventory, name: str) -> Component:
    """The component of a store path's name."""
    everything = (inventory.target, *inventory.components)
    return next(each for each in everything if each.ref == base(store_path(name)))


def test_the_graph_is_whole_and_leaves_are_declared() -> None:
    """Every path is a component with its needs, itself left out; leaves have none; the root is the target."""
    found = of_infos(closure(NAMES))
    refs = {name: base(store_path(name)) for name in NAMES}
    assert found.target.ref == refs["hello-2.12"]
    assert found.target.kind is Kind.APPLICATION
    assert {each.ref for each in found.components} == set(refs.values()) - {found.target.ref}
    assert found.needs == {
        refs[name]: tuple(sorted(refs[each] for each in needs if each != name))
        for name, needs in NAMES.items()
    }
    assert found.findings == ()


def test_a_path_without_a_version_is_kept() -> None:
    """A path whose name has no version, or nothing before one, is a component under its whole name."""
    found = of_infos(closure({"top-1": ["builder", "-1.5", "..."], "builder": [], "-1.5": [], "...": []}))
    assert {(each.name, each.version) for each in found.components} == {
        ("builder", ""),
        ("-1.5", ""),
        ("...", ""),
    }
    assert all(each.purl for each in found.components)


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("hello-2.12", "hello", "2.12"),
        ("glibc-2.40-66", "glibc", "2.40-66"),
        ("nix-0.12pre12876", "nix", "0.12pre12876"),
        ("font-awesome-6", "font-awesome", "6"),
        ("a-b-c", "a-b-c", ""),
        ("x--y", "x", "-y"),
    ],
)
def test_names_are_cut_as_nix_cuts_them(text: str, name: str, version: str) -> None:
    """The first dash before what is no letter begins the version, as in `builtins.parseDrvName`."""
    assert parsed_name(text) == (name, version)


def test_an_unknown_deriver_leaves_what_names_tell() -> None:
    """Where only the deriver's name is known it gives name, version and output; without it custom does."""
    found = of_infos(closure({"zlib-1.3-dev": []}, {"zlib-1.3-dev": "zlib-1.3.drv"}))
    assert found.target.purl == "pkg:nix/zlib@1.3?output=dev"
    assert dict(found.target.properties)[DERIVER] == store_path("zlib-1.3.drv")
    assert of_infos(closure({"zlib-1.3-dev": []})).target.purl == "pkg:nix/zlib@1.3?output=dev"
    assert of_infos(closure({"home-manager-lib": []})).target.purl == "pkg:nix/home-manager-lib"


def test_a_hash_of_a_nar_is_called_so() -> None:
    """The NAR hash is a property under its own name and never a digest of a file."""
    info = closure({"hello-2.12": []})
    found = of_infos(info)
    properties = dict(found.target.properties)
    (known,) = info.values()
    assert known is not None
    assert properties == {OUTPUT_PATH: known.path, NAR_HASH: known.nar_hash}
    assert found.target.digests == ()


def test_the_derivation_gives_source_hash_patches_and_system() -> None:
    """Name and version are the derivation's own; its source has address and hash, its patches CVEs."""
    source = recipe(
        "hello-2.12.tar.gz",
        output={"hash": HASH, "hashAlgo": "sha256", "method": "flat"},
        urls="mirror://gnu/hello-2.12.tar.gz https://host.example/hello-2.12.tar.gz",
    )
    made = recipe(
        "hello-2.12",
        pname="hello",
        version="2.12",
        src=store_path("hello-2.12.tar.gz"),
        patches=f"{store_path('fix.patch')} {store_path('source')}/debian/CVE-2020-1234.patch",
    )
    found = of_infos(
        closure({"hello-2.12": []}, {"hello-2.12": "hello-2.12.drv"}), Known(recipes=by_path(source, made))
    ).target
    assert found.purl == "pkg:nix/hello@2.12?output=out&system=x86_64-linux"
    assert [(each.kind, each.url, [str(d) for d in each.digests]) for each in found.references] == [
        ("source-distribution", "mirror://gnu/hello-2.12.tar.gz", [f"sha256:{HASH}"]),
        ("source-distribution", "https://host.example/hello-2.12.tar.gz", [f"sha256:{HASH}"]),
    ]
    assert [(each.name, each.resolves) for each in found.patches] == [
        ("fix.patch", ()),
        ("CVE-2020-1234.patch", ("CVE-2020-1234",)),
    ]


def test_a_recursive_hash_of_a_source_is_no_digest() -> None:
    """The fixed hash of a source tree is told as one of a NAR, under its own name."""
    source = recipe(
        "source", output={"hash": HASH, "hashAlgo": "r:sha256"}, url="https://host.example/x.git", rev="1"
    )
    made = recipe("hello-2.12", src=store_path("source"))
    found = of_infos(
        closure({"hello-2.12": []}, {"hello-2.12": "hello-2.12.drv"}), Known(recipes=by_path(source, made))
    ).target
    assert [(each.kind, each.digests) for each in found.references] == [("vcs", ())]
    assert dict(found.properties)[SOURCE_HASH].startswith("nar:sha256-")


def test_a_fixed_file_in_the_closure_has_its_digest() -> None:
    """A path that is itself a download of one file has that file's SHA-256 beside its NAR hash."""
    wheel = recipe("x-1.whl", output={"hash": HASH, "hashAlgo": "sha256"}, url="https://host.example/x-1.whl")
    found = of_infos(
        closure({"x-1.whl": []}, {"x-1.whl": "x-1.whl.drv"}), Known(recipes=by_path(wheel))
    ).target
    assert [str(each) for each in found.digests] == [f"sha256:{HASH}"]


def test_a_token_in_a_source_address_does_not_reach_the_inventory() -> None:
    """Credentials in addresses that a derivation loads from are nowhere in the inventory."""
    secret = "hunter2secret"
    source = recipe(
        "x.tar.gz",
        output={"hash": HASH, "hashAlgo": "sha256"},
        urls=f"https://me:{secret}@host.example/x.tar.gz https://host.example/x?private_token={secret}",
    )
    made = recipe("x-1", src=store_path("x.tar.gz"))
    found = of_infos(
        closure({"x-1": ["x.tar.gz"], "x.tar.gz": []}, {"x-1": "x-1.drv", "x.tar.gz": "x.tar.gz.drv"}),
        Known(recipes=by_path(source, made)),
    )
    assert len(found.target.references) == 2
    assert secret not in repr(found)


def test_control_characters_in_a_derivations_own_name_are_not_taken() -> None:
    """Where `pname` or `version` would move a terminal's cursor, the store path's name stands instead."""
    made = recipe("evil-1.0", pname="evil\x1b[2J", version="1.0\u202e")
    found = of_infos(closure({"evil-1.0": []}, {"evil-1.0": "evil-1.0.drv"}), Known(recipes=by_path(made)))
    assert (found.target.name, found.target.version) == ("evil", "1.0")
    assert "\x1b" not in repr(found.target.purl)


def test_a_name_with_control_characters_is_no_store_path() -> None:
    """Nix allows no such names: a document that has one is refused."""
    with pytest.raises(FormatError):
        closure({"evil\x1b[2J": []})


def test_a_missing_path_is_a_component_and_a_finding() -> None:
    """What others refer to and the store does not know is neither dropped nor passed over in silence."""
    found = of_infos(closure({"top-1": ["lost-2"]}))
    lost = one(found, "lost-2")
    assert (lost.name, lost.version) == ("lost", "2")
    assert found.needs[lost.ref] == ()
    assert [each.where for each in found.findings] == [lost.ref]


def test_a_cycle_is_a_finding_and_nothing_is_lost() -> None:
    """A graph that goes in a circle, which Nix never writes, is kept whole, and the circle is told."""
    found = of_infos(closure({"top-1": ["a-1"], "a-1": ["b-1"], "b-1": ["c-1"], "c-1": ["a-1"]}))
    assert found.target.name == "top"
    assert len(found.components) == 3
    (finding,) = found.findings
    assert "a cycle in the graph" in finding.what
    assert all(base(store_path(name)) in finding.what for name in ("a-1", "b-1", "c-1"))


def test_a_cycle_without_a_beginning_still_has_a_target() -> None:
    """Where every path is needed by another, a target of its own needs them all."""
    found = of_infos(closure({"a-1": ["b-1"], "b-1": ["a-1"]}))
    assert len(found.components) == 2
    assert len(found.needs[found.target.ref]) == 2


def test_several_roots_have_a_target_that_needs_them() -> None:
    """Two paths of which neither needs the other are both components of one target."""
    found = of_infos(closure({"a-1": [], "b-1": []}))
    assert found.needs[found.target.ref] == tuple(sorted(base(store_path(name)) for name in ("a-1", "b-1")))


def test_nothing_is_no_inventory() -> None:
    """An empty closure is an error, never an SBOM that passes."""
    with pytest.raises(DataError):
        of_infos({})


def test_the_order_of_what_the_store_says_changes_nothing() -> None:
    """Two documents that list the same paths in another order give equal inventories."""
    infos = closure(NAMES)
    mixed = {path: infos[path] for path in reversed(list(infos))}
    flipped = {
        path: info._replace(references=info.references[::-1]) if info else None
        for path, info in mixed.items()
    }
    one_way, other = of_infos(infos), of_infos(flipped)
    assert (one_way.components, dict(sorted(one_way.needs.items()))) == (
        other.components,
        dict(sorted(other.needs.items())),
    )


WORDS = st.text(alphabet="abZ09._~-+?=@% é", max_size=6)


@given(WORDS.filter(lambda word: word.strip(" ")), WORDS, WORDS, WORDS)
def test_package_urls_are_those_of_the_library(name: str, version: str, output: str, system: str) -> None:
    """The quick way to write a package URL and packageurl-python give the same text."""
    qualifiers = {key: value for key, value in (("output", output), ("system", system)) if value}
    expected = PackageURL("nix", None, name, version or None, qualifiers).to_string()
    assert package_url(name, version, output=output, system=system) == expected
