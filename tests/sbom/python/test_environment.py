"""What an inventory of a Python environment holds, read from files that installers write."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.sbom.python.conftest import SITE, Venv, named, property_of, record_hash, said, whole

from repro.core.digest import Digest, of_bytes
from repro.core.errors import DataError, FormatError
from repro.sbom.component import CONTENT, HASHES, Kind, Licence
from repro.sbom.document import written
from repro.sbom.expression import normal
from repro.sbom.python_environment import TARGET, environment
from repro.sbom.python_interpreter import INTERPRETER
from repro.sbom.python_licence import NAMES, NO_NAME, expression_of
from repro.sbom.python_origin import COMMIT, EDITABLE
from repro.sbom.python_sboms import EMBEDDED
from repro.sbom.python_unclaimed import UNCLAIMED

if TYPE_CHECKING:
    from pathlib import Path

    from repro.sbom.component import Inventory


def content(inventory: Inventory, name: str) -> str:
    return property_of(named(inventory, name), CONTENT)


def test_a_package_is_told_by_name_version_and_normalised_url(venv: Venv) -> None:
    """The name stays as the package writes it; its package URL has it as PEP 503 compares names."""
    venv.install("Ruamel.Yaml_X", "1.0+local", headers="Summary: Does a thing\nAuthor: Ann\n")
    found = named(venv.read(), "Ruamel.Yaml_X")
    assert (found.version, found.description, found.author) == ("1.0+local", "Does a thing", "Ann")
    assert found.purl == "pkg:pypi/ruamel-yaml-x@1.0%2Blocal"
    assert found.kind is Kind.LIBRARY


def test_the_interpreter_is_a_component(venv: Venv) -> None:
    """The Python that pyvenv.cfg names is a part, and the folder it stands in is told nowhere."""
    inventory = venv.read()
    found = named(inventory, "python")
    assert (found.version, found.purl) == ("3.11.7", "pkg:generic/python@3.11.7")
    assert inventory.needs[TARGET] == (INTERPRETER,)
    assert "somewhere" not in whole(inventory)


def test_one_flipped_byte_changes_the_digest_and_is_found(venv: Venv) -> None:
    """Where every file is read, a byte that is not what RECORD states gives another digest, and a finding."""
    venv.install("alpha", files={"alpha/__init__.py": b"VALUE = 1\n", "alpha/data.bin": bytes(5000)})
    before = venv.read(measured=True)
    assert not before.findings
    (venv.site / "alpha/data.bin").write_bytes(bytes(4999) + b"\1")
    after = venv.read(measured=True)
    assert content(before, "alpha") != content(after, "alpha")
    assert property_of(named(after, "alpha"), HASHES) == ""
    (finding,) = after.findings
    assert (finding.where, finding.belies) == (f"{SITE}/alpha/data.bin", True)


def test_digests_come_from_record(venv: Venv) -> None:
    """What has the size that RECORD states is not read: its digest is RECORD's word, and that is said."""
    venv.install("alpha")
    before = venv.read()
    assert property_of(named(before, "alpha"), HASHES) == "RECORD"
    (venv.site / "alpha.py").write_bytes(b"VALUE = 2\n")
    assert venv.read() == before


def test_what_record_cannot_vouch_for_is_read(venv: Venv) -> None:
    """Another size, no size, two digests of one file, in one RECORD or in two: then the file is asked."""
    lines = "alpha.py,{},10\n"
    for name, data, record in (
        ("size", b"VALUE = 10\n", lines.format(record_hash(b"VALUE = 1\n"))),
        ("no-size", b"VALUE = 2\n", f"alpha.py,{record_hash(b'VALUE = 1')}\n"),
        ("twice", b"VALUE = 2\n", "".join(lines.format(record_hash(each)) for each in (b"1", b"2"))),
    ):
        venv.install("alpha", files={"alpha.py": data}, record=record)
        inventory = venv.read()
        assert "alpha.py: is not what RECORD states" in said(inventory), name
        assert property_of(named(inventory, "alpha"), HASHES) == ""
    venv.install("alpha")
    venv.install("beta", files={"alpha.py": b"VALUE = 2\n"})
    inventory = venv.read()
    assert [each.what for each in inventory.findings] == ["is not what RECORD states (alpha)"]


def test_an_honest_record_gives_the_same_bytes_as_reading(venv: Venv) -> None:
    """Whoever reads every file writes the same document, byte for byte, as who takes RECORD's word."""
    url = {"url": "file:///x", "dir_info": {"editable": True}}
    venv.install(
        "alpha",
        files={
            "alpha/__init__.py": b"",
            "alpha/a, b.txt": "é".encode(),
            "alpha.pth": b"/x\n",
            "../../../bin/alpha": b"#!/y\n",
            "../../../bin/program": b"\x7fELF",
        },
        notes={"direct_url.json": json.dumps(url).encode(), "INSTALLER": b"uv\n"},
    )
    venv.install("beta", headers="Requires-Dist: alpha\n", record="beta.py,,\n")
    (venv.site / "loose.py").write_bytes(b"loose")
    (venv.site / "gamma-1.0.dist-info").mkdir()
    (venv.site / "gamma-1.0.dist-info/METADATA").write_text("Name: gamma\nVersion: 1.0\n")
    assert written(venv.read()) == written(venv.read(measured=True))


def test_the_same_packages_elsewhere_are_the_same_bytes(tmp_path: Path) -> None:
    """Folder, first lines of scripts, installer's notes and compiled files do not reach the document."""
    documents = set()
    for number, place in enumerate((tmp_path / "one/.venv", tmp_path / "the/other/home")):
        venv = Venv(place)
        python = (
            f"#!{place}/bin/python\n"
            if number
            else f"#!/bin/sh\n'''exec' {place}/bin/python \"$0\" \"$@\"\n' '''\n"
        )
        venv.install(
            "alpha",
            files={"alpha.py": b"VALUE = 1\n", "../../../bin/alpha": python.encode() + b"print(1)\n"},
            notes={
                "INSTALLER": b"pip" if number else b"uv",
                "direct_url.json": json.dumps(
                    {"url": f"file://{place}/alpha.whl", "archive_info": {}}
                ).encode(),
            },
        )
        if number:
            (venv.site / "__pycache__").mkdir()
            (venv.site / "__pycache__/alpha.cpython-311.pyc").write_bytes(b"compiled")
        documents.add(written(venv.read()))
    assert len(documents) == 1


def test_a_script_whose_body_changes_is_another(venv: Venv) -> None:
    """Of a script only the first line is of the place; any other byte counts."""
    files = {"alpha.py": b"", "../../../bin/alpha": b"#!/x/bin/python\nprint(1)\n"}
    venv.install("alpha", files=files)
    before = content(venv.read(), "alpha")
    (venv.root / "bin/alpha").write_bytes(b"#!/x/bin/python\nprint(2)\n")
    assert content(venv.read(), "alpha") != before


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_order_of_hashes_is_of_no_account(venv: Venv, seed: str) -> None:
    """Two hash seeds give the same document, byte for byte."""
    for name in ("alpha", "beta", "gamma"):
        venv.install(name, headers="Requires-Dist: alpha\nRequires-Dist: beta\nLicense: MIT\n")
    program = (
        "import sys; from pathlib import Path; from repro.sbom.document import written;"
        "from repro.sbom.python_environment import environment;"
        "sys.stdout.buffer.write(written(environment(Path(sys.argv[1]))))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(venv.root)],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        check=True,
    )
    assert run.stdout == written(venv.read())


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ("License-Expression: mit or apache-2.0\n", Licence(expression="MIT OR Apache-2.0")),
        ("License-Expression: MIT\nLicense: other words\n", Licence(expression="MIT")),
        ("License: Apache-2.0\n", Licence(expression="Apache-2.0")),
        (
            "License: MIT License\nClassifier: License :: OSI Approved :: MIT License\n",
            Licence(expression="MIT"),
        ),
        ("License: BSD\nClassifier: License :: OSI Approved :: BSD License\n", Licence(name="BSD")),
        ("Classifier: License :: OSI Approved :: BSD License\n", Licence(name="BSD License")),
        (
            "Classifier: License :: OSI Approved :: Eclipse Public License 2.0 (EPL-2.0)\n",
            Licence(expression="EPL-2.0"),
        ),
    ],
)
def test_licences(venv: Venv, headers: str, expected: Licence) -> None:
    """An expression where the package states one, or what means exactly one licence; else its own words."""
    venv.install("alpha", headers=headers)
    assert named(venv.read(), "alpha").licences == (expected,)


@pytest.mark.parametrize("operator", ["AND", "or"])
def test_known_licences_are_as_the_library_writes_them(operator: str) -> None:
    """What is told without the library is what the library tells."""
    assert {text: normal(text) for text in NAMES} == NAMES
    text = f" {operator} ".join(NAMES)
    assert expression_of(text) == normal(text)


@pytest.mark.parametrize(
    "text", ["mit and (apache-2.0 or mpl-2.0)", "(MIT OR ISC) AND (0bsd OR Zlib OR ISC) AND ISC", "(MIT)"]
)
def test_alternatives_in_parentheses_are_as_the_library_writes_them(text: str) -> None:
    """What is told without the library is what the library tells."""
    assert expression_of(text) == normal(text)


@pytest.mark.parametrize("form", ["{}", "MIT or {}", "{} WITH Classpath-exception-2.0"])
def test_words_that_are_no_licence_are_none_for_the_library(form: str) -> None:
    """What is refused without the library is what the library refuses."""
    words = (
        "Apache apache2 BSD BSD3 Expat GPLv2 gplv3+ LGPLv2.1 LGPLv3+ AGPLv3 LGPL License licence MPL PSF PSFL"
    )
    for word in (*words.split(), "Public", "Python", "ZPL"):
        assert NO_NAME.fullmatch(word)
        with pytest.raises(FormatError):
            normal(form.format(word))
        assert expression_of(form.format(word)) == ""


def test_texts_of_licences(venv: Venv) -> None:
    """Files that License-File names come along, from where PEP 639 has them and where they were before."""
    venv.install(
        "alpha",
        headers="License-Expression: MIT\nLicense-File: LICENSE\nLicense-File: sub/NOTICE\n",
        notes={"licenses/LICENSE": b"Text\r\n", "sub/NOTICE": b"Notice\n"},
    )
    (found,) = named(venv.read(), "alpha").licences
    assert found.texts == (("LICENSE", "Text\n"), ("sub/NOTICE", "Notice\n"))


def test_needs_follow_extras_and_markers_of_the_target(venv: Venv) -> None:
    """Markers are answered for the target's Python and platform; extras count where they are asked for."""
    venv.install(
        "top",
        headers='Requires-Dist: Middle_Part[Fast]>=1\nRequires-Dist: old; python_version < "3.11"\n'
        "Requires-Dist: win; sys_platform == 'win32'\n"
        "Requires-Dist: exact; python_full_version == '3.11.7'\n",
    )
    venv.install(
        "middle-part",
        headers="Provides-Extra: fast\nProvides-Extra: slow\nRequires-Dist: quick; extra == 'fast'\n"
        "Requires-Dist: tardy; extra == 'slow'\nRequires-Dist: middle-part[deep]; extra == 'fast'\n"
        "Requires-Dist: deepest; extra == 'deep'\n",
    )
    for name in ("old", "win", "exact", "quick", "tardy", "deepest"):
        venv.install(name)
    needs = venv.read().needs
    url = "pkg:pypi/{}@1.0".format
    assert needs[url("top")] == (url("exact"), url("middle-part"))
    assert needs[url("middle-part")] == (url("deepest"), url("quick"))
    assert needs[TARGET] == (*map(url, ("old", "tardy", "top", "win")), INTERPRETER)


def test_a_circle_of_needs_hangs_on_the_environment(venv: Venv) -> None:
    """Packages that need each other are reached from the target all the same."""
    venv.install("one", headers="Requires-Dist: two\n")
    venv.install("two", headers="Requires-Dist: one\n")
    assert venv.read().needs[TARGET] == ("pkg:pypi/one@1.0", INTERPRETER)


def test_a_need_that_nothing_meets_is_found(venv: Venv) -> None:
    """A requirement that applies and is not installed is a finding."""
    venv.install("alpha", headers="Requires-Dist: absent>=2\n")
    assert "needs absent, which is not there" in said(venv.read())


def test_origin_of_a_commit(venv: Venv) -> None:
    """PEP 610: the repository and the commit that was built."""
    url = {"url": "https://host.example/repo", "vcs_info": {"vcs": "git", "commit_id": "a" * 40}}
    venv.install("alpha", notes={"direct_url.json": json.dumps(url).encode()})
    found = named(venv.read(), "alpha")
    assert property_of(found, COMMIT) == "a" * 40
    assert [(each.kind, each.url) for each in found.references] == [("vcs", "https://host.example/repo")]
    assert found.purl.startswith("pkg:pypi/alpha@1.0?vcs_url=git")


def test_origin_of_an_archive(venv: Venv) -> None:
    """PEP 610: the archive's hash, in the new writing and in the old."""
    digest = Digest("sha256", "b" * 64)
    for name, info in (
        ("alpha", {"hashes": {"sha256": digest.hex}}),
        ("beta", {"hash": f"sha256={digest.hex}"}),
    ):
        url = {"url": f"https://host.example/{name}", "archive_info": info}
        venv.install(name, notes={"direct_url.json": json.dumps(url).encode()})
        (reference,) = named(venv.read(), name).references
        assert (reference.kind, reference.digests) == ("distribution", (digest,))


def test_an_editable_package_says_so_and_not_where(venv: Venv) -> None:
    """The folder of an editable package is its user's, and is not told; its `.pth` does not count."""
    url = {"url": "file:///home/someone/alpha", "dir_info": {"editable": True}}
    found = []
    for place in (b"/home/someone/alpha\n", b"/other/alpha\n"):
        venv.install("alpha", files={"alpha.pth": place}, notes={"direct_url.json": json.dumps(url).encode()})
        found.append(venv.read())
    assert property_of(named(found[0], "alpha"), EDITABLE) == "true"
    assert content(found[0], "alpha") == content(found[1], "alpha")
    assert "someone" not in whole(found[0])


def test_an_embedded_sbom_is_merged(venv: Venv) -> None:
    """PEP 770: what the document lists stands inside the package, its target is the package itself."""
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "library", "bom-ref": "/home/builder/x", "name": "alpha"}},
        "components": [
            {"type": "library", "bom-ref": "/home/builder/x", "name": "alpha"},
            {
                "type": "library",
                "bom-ref": "c",
                "name": "zlib",
                "version": "1.3",
                "purl": "pkg:generic/zlib@1.3",
            },
            {"type": "library", "bom-ref": "d", "name": "crate"},
        ],
        "dependencies": [{"ref": "/home/builder/x", "dependsOn": ["c"]}, {"ref": "c", "dependsOn": ["d"]}],
    }
    venv.install("alpha", notes={"sboms/native.cdx.json": json.dumps(document).encode()})
    inventory = venv.read()
    zlib, crate = named(inventory, "zlib"), named(inventory, "crate")
    assert (zlib.inside, zlib.purl) == ("pkg:pypi/alpha@1.0", "pkg:generic/zlib@1.3")
    assert inventory.needs["pkg:pypi/alpha@1.0"] == (zlib.ref,)
    assert inventory.needs[zlib.ref] == (crate.ref,)
    assert property_of(zlib, EMBEDDED) == "sboms/native.cdx.json"
    assert "builder" not in whole(inventory)


def test_vendored_packages_stand_inside(venv: Venv) -> None:
    """Metadata among the files of a package is a component inside it."""
    info = "_vendor/beta-2.0.dist-info"
    venv.install(
        "alpha",
        files={"alpha/__init__.py": b"", f"alpha/{info}/METADATA": b"Name: beta\nVersion: 2.0\n\n"},
    )
    assert named(venv.read(), "beta").inside == "pkg:pypi/alpha@1.0"


def test_files_that_nobody_claims(venv: Venv) -> None:
    """A module, a folder and a compiled file without source are told, with digests; a cache is not."""
    venv.install("alpha", files={"alpha/__init__.py": b""})
    (venv.site / "alpha/__pycache__").mkdir()
    (venv.site / "alpha/__pycache__/__init__.cpython-311.pyc").write_bytes(b"")
    (venv.site / "alpha/__pycache__/gone.cpython-311.pyc").write_bytes(b"evil")
    (venv.site / "alpha/evil.py").write_bytes(b"evil")
    (venv.site / "copied/deep").mkdir(parents=True)
    (venv.site / "copied/deep/x.py").write_bytes(b"x")
    inventory = venv.read()
    loose = {each.name: each for each in inventory.components if property_of(each, UNCLAIMED)}
    assert sorted(loose) == ["copied", "evil.py", "gone.cpython-311.pyc"]
    assert loose["evil.py"].digests == (of_bytes(b"evil"),)
    assert property_of(loose["copied"], CONTENT)
    assert f"{SITE}/copied: 1 files that belong to no package" in said(inventory)


def test_an_egg_info_is_read(venv: Venv) -> None:
    """Packages of old installers count, with what their lists or their top modules claim."""
    egg = venv.site / "old-0.1-py3.11.egg-info"
    egg.mkdir()
    (egg / "PKG-INFO").write_text("Name: old\nVersion: 0.1\n")
    (egg / "top_level.txt").write_text("old\n")
    (egg / "requires.txt").write_text("beta\n\n[extra]\ngamma\n")
    (venv.site / "old.py").write_text("")
    (venv.site / "older-0.2-py3.11.egg-info").write_text("Name: older\nVersion: 0.2\n")
    venv.install("beta")
    inventory = venv.read()
    assert named(inventory, "older").version == "0.2"
    assert inventory.needs["pkg:pypi/old@0.1"] == ("pkg:pypi/beta@1.0",)
    assert "belong to no package" not in said(inventory)


def test_hashes_come_from_a_lock(venv: Venv, tmp_path: Path) -> None:
    """The lock beside the environment gives the hashes of distributions; another version is a finding."""
    venv.install("alpha")
    venv.install("beta", "2.0")
    digest = "c" * 64
    (venv.root.parent / "requirements.lock").write_text(
        f"alpha==1.0 --hash=sha256:{digest}\nbeta==1.9 --hash=sha256:{digest}\n"
    )
    inventory = venv.read()
    (reference,) = named(inventory, "alpha").references
    assert reference.digests == (Digest("sha256", digest),)
    assert named(inventory, "beta").references == ()
    assert "beta 2.0 is there, the lock allows 1.9" in said(inventory)
    other = tmp_path / "other.lock"
    other.write_text(f"beta==2.0 --hash=sha256:{digest}\n")
    assert named(environment(venv.root, lock=other), "beta").references
    (venv.root.parent / "requirements.lock").write_text("alpha\n")
    assert "is not used for hashes" in said(venv.read())


def test_a_folder_without_packages_is_none(tmp_path: Path) -> None:
    """What is no environment is refused, and not taken for an empty one."""
    (tmp_path / "x.py").write_text("")
    with pytest.raises(DataError, match="no Python environment"):
        environment(tmp_path)


def test_a_folder_of_packages(venv: Venv, tmp_path: Path) -> None:
    """What `pip install --target` writes is read too."""
    venv.install("alpha")
    shutil.move(venv.site, tmp_path / "target")
    inventory = environment(tmp_path / "target")
    assert content(inventory, "alpha")
    assert not [each for each in inventory.findings if "no package" in each.what]
