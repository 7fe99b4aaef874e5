"""Inventories that tests are made of: a small one with everything in it, a large plain one, and any."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from repro.core.digest import LENGTHS, Digest
from repro.sbom.component import (
    CONTENT,
    NAR_HASH,
    Component,
    Finding,
    Inventory,
    Kind,
    Licence,
    Patch,
    Reference,
)

LIBRARY = Component(
    ref="pkg:pypi/lib@1.0",
    name="lib",
    version="1.0",
    purl="pkg:pypi/lib@1.0?vcs_url=git%2Bhttps://example.org/lib.git",
    cpe="cpe:2.3:a:example:lib:1.0:*:*:*:*:*:*:*",
    description="A library, <b>bold</b> & proud",
    author="Ada Example",
    licences=(
        Licence(expression="MIT OR Apache-2.0", texts=(("LICENSE", "Do as you like.\n"),)),
        Licence(expression="BSD-3-Clause"),
    ),
    digests=(Digest("sha256", "a" * 64), Digest("md5", "b" * 32)),
    references=(
        Reference(kind="source-distribution", url="https://lab.example/lib-1.0.tar.gz", comment="sdist"),
        Reference(
            kind="distribution", url="https://example.org/a b[1].whl", digests=(Digest("sha1", "c" * 40),)
        ),
        Reference(kind="vcs", url="git@example.org:lib.git"),
    ),
    patches=(Patch(name="CVE-2020-1234 fix.patch", diff="--- a\n+++ b\n", resolves=("CVE-2020-1234",)),),
    properties=((NAR_HASH, "sha256-AAAA"), ("b", "2"), ("a", "1"), (CONTENT, "sha256:" + "d" * 64)),
)
FILE = Component(
    ref="lib/data",
    name="data",
    kind=Kind.DATA,
    inside=LIBRARY.ref,
    licences=(Licence(name="as the author says"), Licence(expression="MIT")),
)
TARGET = Component(ref="application", name="application", kind=Kind.APPLICATION)

WHOLE = Inventory(
    target=TARGET,
    components=(LIBRARY, FILE),
    needs={TARGET.ref: (LIBRARY.ref,), LIBRARY.ref: (FILE.ref,), FILE.ref: ()},
    findings=(Finding(where="lib", what="its RECORD lists a file that is not there"),),
    properties=(("repro:kind", "a test"),),
)
"""Every field of every noun is used, and what has no version is there."""


def plain(count: int, *, needs: int = 4) -> Inventory:
    """So many components with hash, licence and references, each needing some before it."""
    components = tuple(
        Component(
            ref=f"pkg:pypi/package-{number}@1.{number}",
            name=f"package-{number}",
            version=f"1.{number}",
            purl=f"pkg:pypi/package-{number}@1.{number}",
            licences=(Licence(expression=("MIT", "Apache-2.0", "MIT OR GPL-3.0-only")[number % 3]),),
            digests=(Digest("sha256", f"{number:064x}"),),
            references=(Reference(kind="website", url=f"https://example.org/package-{number}"),),
            properties=((CONTENT, f"sha256:{number:064x}"),),
        )
        for number in range(count)
    )
    graph = {
        each.ref: tuple(components[other].ref for other in range(max(0, number - needs), number))
        for number, each in enumerate(components)
    }
    return Inventory(
        target=TARGET,
        components=components,
        needs={**graph, TARGET.ref: tuple(each.ref for each in components[-1:])},
    )


# Words as they come from metadata of strangers; XML cannot hold control characters, so they stand apart.
WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co", "Zs", "Zl", "Zp"]),
    min_size=1,
    max_size=8,
)
EXPRESSIONS = st.sampled_from(
    [
        "MIT",
        "Apache-2.0",
        "MIT OR Apache-2.0",
        "GPL-2.0-or-later WITH Classpath-exception-2.0",
        "LicenseRef-x",
    ]
)
DIGESTS = st.sampled_from(["md5", "sha1", "sha256", "sha384", "sha512"]).flatmap(
    lambda name: st.builds(
        Digest, st.just(name), st.text("0123456789abcdef", min_size=LENGTHS[name], max_size=LENGTHS[name])
    )
)
URLS = st.one_of(
    st.sampled_from(["https://example.org/a", "git@example.org:x", "a#b#c", "100%", "C:\\x y"]),
    WORDS,
)
KINDS = st.sampled_from(
    ["vcs", "website", "distribution", "source-distribution", "attestation", "security-contact", "citation"]
)
LICENCES = st.one_of(
    st.builds(
        Licence, expression=EXPRESSIONS, texts=st.lists(st.tuples(WORDS, WORDS), max_size=1).map(tuple)
    ),
    st.builds(Licence, name=WORDS),
)
REFERENCES = st.builds(
    Reference,
    kind=KINDS,
    url=URLS,
    digests=st.lists(DIGESTS, max_size=2).map(tuple),
    comment=st.just("") | WORDS,
)
PATCHES = st.builds(
    Patch,
    name=WORDS,
    diff=st.just("") | WORDS,
    resolves=st.lists(st.just("CVE-2020-1"), max_size=1).map(tuple),
)
FIELDS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"name": WORDS, "kind": st.sampled_from(Kind)},
    optional={
        "version": WORDS,
        "purl": st.sampled_from(["pkg:pypi/a@1", "pkg:nix/b@2?output=out&system=x86_64-linux"]),
        "cpe": st.just("cpe:2.3:a:b:c:1:*:*:*:*:*:*:*"),
        "description": WORDS,
        "author": WORDS,
        "licences": st.lists(LICENCES, max_size=2).map(tuple),
        "digests": st.lists(DIGESTS, max_size=2).map(tuple),
        "references": st.lists(REFERENCES, max_size=2).map(tuple),
        "patches": st.lists(PATCHES, max_size=2).map(tuple),
        "properties": st.lists(st.tuples(WORDS, WORDS), max_size=2).map(tuple),
    },
)


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    """Any inventory whose references are sound: some components inside others, any graph, cycles included."""
    fields = draw(st.lists(FIELDS, min_size=1, max_size=4))
    refs = [f"r{number}" for number in range(len(fields))]
    components = []
    for number, each in enumerate(fields[1:], start=1):
        inside = draw(st.sampled_from(["", *refs[1:number]]))
        components.append(Component(ref=refs[number], inside=inside, **each))
    needs = {ref: tuple(draw(st.lists(st.sampled_from(refs), max_size=2, unique=True))) for ref in refs}
    findings = draw(st.lists(st.builds(Finding, where=WORDS, what=WORDS), max_size=1))
    return Inventory(
        target=Component(ref=refs[0], **fields[0]),
        components=tuple(components),
        needs=needs,
        findings=tuple(findings),
    )
