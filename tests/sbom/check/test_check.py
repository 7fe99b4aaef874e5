"""Is this the SBOM of what is there? By hash where both sides have one; silence never passes for success."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from tests.sbom.inventories import TARGET, WHOLE, inventories, plain

from repro.core.digest import Digest
from repro.core.exits import Exit
from repro.sbom.check import Deviation, checked
from repro.sbom.component import CONTENT, NAR_HASH, REQUIRES, Component, Inventory, Reference
from repro.sbom.difference import Sort, difference
from repro.sbom.document import Format, written
from repro.sbom.reading import parse_sbom


def of(*components: Component, target: Component = TARGET) -> Inventory:
    return Inventory(target=target, components=components, needs={})


def part(name: str = "a", version: str = "1", **fields: object) -> Component:
    return Component(ref=f"{name} {version}", name=name, version=version, **fields)  # type: ignore[arg-type]


def hashed(letter: str, **fields: object) -> Component:
    return part(**{"digests": (Digest("sha256", letter * 64),), **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize("form", Format)
def test_what_was_written_is_what_is_there(form: Format) -> None:
    """An SBOM of any format, read back, is that of the inventory it was made of; all compared by hash."""
    inventory = plain(20)
    found = checked(parse_sbom(written(inventory, form=form), name="sbom").inventory, inventory)
    assert (found.deviations, found.by_hash, found.by_version) == ((), 20, ())
    assert found.exit(strict=True) is Exit.GOOD


@given(inventories())
@settings(max_examples=20)
def test_nothing_deviates_from_itself(inventory: Inventory) -> None:
    """No inventory deviates from itself, and it passes only where a hash was compared."""
    found = checked(inventory, inventory)
    assert found.deviations == ()
    assert found.exit() is (Exit.GOOD if found.by_hash else Exit.NOT_CHECKED)


@pytest.mark.parametrize("name", [CONTENT, NAR_HASH, "digest"])
def test_other_bytes_are_a_change(name: str) -> None:
    """A digest, a NAR hash or a hash of contents that differs is a change, though the version is the same."""
    if name == "digest":
        first, second = hashed("a"), hashed("b")
    else:
        first, second = (part(properties=((name, letter),)) for letter in "ab")
    found = checked(of(first), of(second))
    assert [each.kind for each in found.deviations] == [Deviation.CHANGED]
    assert found.exit() is Exit.WRONG


def test_one_hash_that_differs_outweighs_those_that_agree() -> None:
    """The archive may be the same and the installed files not: any hash that differs is a change."""
    same = (Digest("sha256", "a" * 64),)
    first = part(digests=same, properties=((CONTENT, "x"),))
    second = part(digests=same, properties=((CONTENT, "y"),))
    assert checked(of(first), of(second)).exit() is Exit.WRONG


@pytest.mark.parametrize(
    ("stated", "found", "kind"),
    [
        (of(hashed("a")), of(), Deviation.MISSING),
        (of(), of(hashed("a")), Deviation.ADDED),
        (of(hashed("a")), of(hashed("a", version="2")), Deviation.CHANGED),
    ],
)
def test_added_missing_and_other_versions_are_wrong(
    stated: Inventory, found: Inventory, kind: Deviation
) -> None:
    """What is only on one side, or in another version there, is exit 1."""
    result = checked(stated, found)
    assert [each.kind for each in result.deviations] == [kind]
    assert result.exit() is Exit.WRONG


@pytest.mark.parametrize("inventory", [of(), of(part())], ids=["no_components", "no_hashes"])
def test_nothing_to_compare_by_hash_is_no_success(inventory: Inventory) -> None:
    """An SBOM without components, or without hashes, was not checked: exit 3, whatever agrees."""
    found = checked(inventory, inventory)
    assert found.exit() is Exit.NOT_CHECKED
    assert found.exit(strict=True) is Exit.NOT_CHECKED


def test_what_is_compared_by_version_only_is_said() -> None:
    """A component whose hash one side does not state is told by name; --strict makes it wrong."""
    found = checked(of(hashed("a"), part("b")), of(hashed("a"), hashed("b", name="b")))
    assert (found.by_hash, found.by_version) == (1, ("b 1",))
    assert (found.exit(), found.exit(strict=True)) == (Exit.GOOD, Exit.WRONG)


def test_hashes_of_different_kinds_are_never_compared() -> None:
    """A NAR hash is no SHA-256, and an MD5 no SHA-1: without one kind in common there is no comparison."""
    first, second = hashed("a"), part(properties=((NAR_HASH, "sha256:" + "a" * 64),))
    assert checked(of(first), of(second)).by_version == ("a 1",)


def test_one_name_in_two_versions_is_two_components() -> None:
    """Components of one name are paired by bytes, then by version; a third is not paired with either."""
    one, two, three = hashed("a"), hashed("b", version="2"), hashed("c", version="3")
    assert checked(of(one, two), of(two, one)).deviations == ()
    assert [each.found for each in checked(of(one, two), of(three, two, one)).deviations] == ["a 3"]


def test_the_target_counts_too() -> None:
    """A wheel or image is compared by its own hash, whatever its file is called."""
    first, second = hashed("a", name="x.whl"), hashed("b", name="y.whl")
    assert checked(of(target=first), of(target=replace(first, name="y.whl"))).exit() is Exit.GOOD
    assert checked(of(target=first), of(target=second)).exit() is Exit.WRONG


def test_components_are_paired_without_their_references() -> None:
    """Another writer names components by other references: name and package URL decide."""
    other = replace(
        WHOLE,
        components=tuple(replace(each, ref=f"uuid-{each.name}", inside="") for each in WHOLE.components),
        needs={},
    )
    assert checked(other, WHOLE).deviations == ()


@pytest.mark.parametrize("form", Format)
def test_the_distributions_that_a_lock_allows_survive(form: Format) -> None:
    """What may be installed is compared in every format: another hash under the same version is a change."""

    def lock(letter: str) -> Inventory:
        file = Reference(kind="distribution", url="pkg:pypi/a@1", digests=(Digest("sha256", letter * 64),))
        part = Component(ref="pkg:pypi/a@1", name="a", version="1", references=(file,))
        return Inventory(target=Component(ref="lock", name="lock"), components=(part,), needs={})

    stated = parse_sbom(written(lock("a"), form=form), name="sbom").inventory
    same, other = checked(stated, lock("a")), checked(stated, lock("b"))
    assert (same.exit(strict=True), same.by_hash) == (Exit.GOOD, 1)
    assert (other.exit(), [each.kind for each in other.deviations]) == (Exit.WRONG, [Deviation.CHANGED])
    assert [each.sort for each in difference(stated, lock("b")).changes] == [Sort.CONTENT]


def test_distributions_do_not_outweigh_what_is_installed() -> None:
    """Where the installed bytes are the same, a lock that allows one more file says nothing of them."""
    files = [Reference(kind="distribution", url="", digests=(Digest("sha256", x * 64),)) for x in "bc"]
    first, second = hashed("a", references=tuple(files)), hashed("a", references=tuple(files[:1]))
    assert checked(of(first), of(second)).exit(strict=True) is Exit.GOOD


def test_requirements_are_compared_as_they_are_stated() -> None:
    """What is only required has no bytes: as long as it is stated alike it is no doubt, else a change."""
    first, second = (part(version="", properties=((REQUIRES, text),)) for text in ("a>=1", "a>=2"))
    same = checked(of(first, hashed("b", name="b")), of(first, hashed("b", name="b")))
    assert (same.exit(strict=True), same.by_hash, same.by_version) == (Exit.GOOD, 1, ())
    assert checked(of(first), of(first)).exit() is Exit.NOT_CHECKED
    assert checked(of(first), of(second)).exit() is Exit.WRONG


def test_what_lies_inside_the_same_bytes_is_the_same() -> None:
    """A crate has no hash of its own: where the package that holds it agrees by hash, so does the crate."""
    program = part("program", inside="lib 1")
    crate = part("crate", inside="program 1")
    same = checked(
        of(hashed("a", name="lib"), program, crate),
        of(hashed("a", name="lib"), program, crate),
    )
    assert (same.exit(strict=True), same.by_hash, same.within, same.by_version) == (Exit.GOOD, 1, 2, ())


def test_what_lies_elsewhere_is_not_vouched_for() -> None:
    """Neither a holder that changed nor one on one side only vouches for what it holds; no circle hangs."""
    crate = part("crate", inside="lib 1")
    ours, theirs = (hashed(letter, name="lib") for letter in "ab")
    assert checked(of(ours, crate), of(theirs, crate)).by_version == ("crate 1",)
    assert checked(of(ours, part("crate")), of(ours, crate)).by_version == ("crate 1",)
    circle = (part("w", inside="x 1"), part("x", inside="y 1"), part("y", inside="x 1"))
    assert checked(of(*circle), of(*circle)).by_version == ("w 1", "x 1", "y 1")
