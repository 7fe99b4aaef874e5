"""What tells two SBOMs apart: each kind of change is seen and told, for people and pull requests."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from tests.sbom.inventories import LIBRARY, TARGET, WHOLE, inventories

from repro.core.digest import Digest
from repro.core.exits import Exit
from repro.render.sbom_markdown import diff_markdown
from repro.render.sbom_text import diff_text
from repro.render.words import Palette
from repro.sbom.component import Component, Inventory, Licence, Patch
from repro.sbom.difference import Sort, difference

OLD = replace(WHOLE, components=(LIBRARY,), needs={})


def new(**fields: object) -> Inventory:
    return replace(OLD, components=(replace(LIBRARY, **fields),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("second", "sort", "before", "after"),
    [
        (replace(OLD, components=()), Sort.REMOVED, "lib 1.0", ""),
        (new(version="1.1", purl="pkg:pypi/lib@1.1"), Sort.VERSION, "1.0", "1.1"),
        (
            new(digests=(Digest("sha256", "e" * 64),)),
            Sort.CONTENT,
            "sha256 " + "a" * 64,
            "sha256 " + "e" * 64,
        ),
        (
            new(licences=(Licence(expression="MIT"),)),
            Sort.LICENCE,
            "(MIT OR Apache-2.0) AND BSD-3-Clause",
            "MIT",
        ),
        (new(patches=()), Sort.PATCH, "CVE-2020-1234 fix.patch (CVE-2020-1234)", ""),
        (new(patches=(*LIBRARY.patches, Patch(name="b"))), Sort.PATCH, "", "b"),
        (replace(OLD, needs={LIBRARY.ref: (TARGET.ref,)}), Sort.NEEDS, "", "application"),
    ],
)
def test_each_kind_of_change_is_seen(second: Inventory, sort: Sort, before: str, after: str) -> None:
    """A change of one field is one change of its kind, with what both say; the reverse is the reverse."""
    (change,) = difference(OLD, second).changes
    assert (change.sort, sorted(change.before.split()), change.after) == (sort, sorted(before.split()), after)
    (back,) = difference(second, OLD).changes
    assert (back.before, back.after) == (change.after, change.before)


@given(inventories())
@settings(max_examples=20)
def test_nothing_differs_from_itself(inventory: Inventory) -> None:
    """No SBOM differs from itself; two without components were not compared."""
    found = difference(inventory, inventory)
    assert found.changes == ()
    assert found.exit is (Exit.GOOD if inventory.components else Exit.NOT_CHECKED)


def test_spelling_of_licences_is_no_change() -> None:
    """Expressions are compared as what they mean in SPDX's spelling, not letter by letter."""
    first = new(licences=(Licence(expression="mit"), Licence(expression="Apache-2.0")))
    second = new(licences=(Licence(expression="Apache-2.0"), Licence(expression="MIT")))
    assert difference(first, second).exit is Exit.GOOD


EVIL = Component(ref="e", name="a|b\x1b[31m\n| <img src=x> [x](javascript:y)", version="@all `1`")


def test_markdown_and_text_cannot_be_led_astray() -> None:
    """Names of strangers end no cell, open no tag or link, call nobody, and steer no terminal."""
    found = difference(replace(OLD, components=()), replace(OLD, components=(EVIL,)))
    page = diff_markdown(found)
    assert not {"\x1b", "<", "[", "`", "@"} & set(page)
    row = next(line for line in page.splitlines() if "a&#124;b" in line)
    assert row.count("|") == 4
    assert "\x1b" not in diff_text(found, Palette(False))


def test_markdown_has_a_table_for_each_kind() -> None:
    """The page says in numbers what changed, then what, and no more rows than a comment can hold."""
    second = new(version="2", licences=(), patches=())
    page = diff_markdown(difference(OLD, second))
    assert page.startswith("## SBOM\n\n1 another version; 1 another licence; 1 other patches. 0 components")
    assert [line for line in page.splitlines() if line.startswith("### ")] == [
        "### Another version",
        "### Another licence",
        "### Other patches",
    ]
    many = replace(OLD, components=tuple(Component(ref=str(n), name=str(n)) for n in range(500)))
    assert "And 300 more." in diff_markdown(difference(replace(OLD, components=()), many))
