"""Environments as they should never be: each gives a finding or nothing, never code that runs."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from tests.sbom.python.conftest import SITE, Venv, named, record_hash, said, whole

from repro.sbom.component import Licence
from repro.sbom.document import written
from repro.sbom.python_metadata import MAX_METADATA

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "tok-Zx81qq-never-to-be-seen"


def test_metadata_without_name(venv: Venv) -> None:
    """A package without a Name has that of its folder, and is kept."""
    venv.install("alpha", metadata=b"Metadata-Version: 2.1\nVersion: 1.0\n\n")
    inventory = venv.read()
    assert named(inventory, "alpha").version == "1.0"
    assert "the metadata has no Name" in said(inventory)


def test_no_metadata_at_all(venv: Venv) -> None:
    """A `.dist-info` without METADATA is a package all the same."""
    (venv.install("alpha") / "METADATA").unlink()
    inventory = venv.read()
    assert (named(inventory, "alpha").version, "no readable metadata" in said(inventory)) == ("1.0", True)


def test_metadata_that_calls_itself_otherwise(venv: Venv) -> None:
    """A folder and metadata that disagree are found."""
    venv.install("alpha", metadata=b"Name: beta\nVersion: 2.0\n\n")
    assert "calls it beta" in said(venv.read())
    assert "has version 2.0" in said(venv.read())


def test_metadata_in_no_encoding(venv: Venv) -> None:
    """Bytes that are no UTF-8 are replaced, and found."""
    venv.install("alpha", headers=b"Summary: caf\xe9\n")
    inventory = venv.read()
    assert named(inventory, "alpha").description == "caf\ufffd"
    assert "METADATA is not UTF-8" in said(inventory)


def test_huge_metadata(venv: Venv) -> None:
    """Metadata larger than the cap is not read; its package is kept by its folder's name."""
    info = venv.install("alpha")
    with (info / "METADATA").open("r+b") as file:
        file.truncate(MAX_METADATA + 1)
    inventory = venv.read()
    assert named(inventory, "alpha").version == "1.0"
    assert f"more than the {MAX_METADATA}" in said(inventory)


@pytest.mark.parametrize(
    ("defect", "line", "finding"),
    [
        ("another-hash", f"alpha.py,{record_hash(b'other')},9\n", "is not what RECORD states"),
        ("missing-file", "gone.py,,\n", "is in RECORD, and not there as a file"),
        ("outside", "../../../../../etc/passwd,,\n", "leads out of the environment"),
        ("absolute", "/etc/passwd,,\n", "leads out of the environment"),
        ("sha512", "alpha.py,sha512=AAAA,9\n", "no SHA-256"),
        ("no-base64", "alpha.py,sha256=é,9\n", "no SHA-256"),
        ("open-quote", '"alpha.py,,\n', "RECORD cannot be read"),
    ],
)
def test_a_record_that_lies(venv: Venv, defect: str, line: str, finding: str) -> None:
    """What RECORD states and is not so is found, and nothing outside is read."""
    venv.install("alpha", record=line)
    assert finding in said(venv.read()), defect


def test_a_record_that_lies_about_many_files(venv: Venv) -> None:
    """Many lies of one package are counted after the first few."""
    venv.install("alpha", record="".join(f"gone{number}.py,,\n" for number in range(1000)))
    assert len(venv.read().findings) == 7  # five, the count of the others, and alpha.py, which nobody claims


def test_no_record(venv: Venv) -> None:
    """Without RECORD the files belong to nobody, and that is said."""
    (venv.install("alpha") / "RECORD").unlink()
    assert "there is no RECORD" in said(venv.read())
    assert f"{SITE}/alpha.py: belongs to no package" in said(venv.read())


def test_two_distributions_of_one_name(venv: Venv) -> None:
    """Both are kept, of other versions and of the same, and found."""
    venv.install("alpha", "1.0")
    venv.install("alpha", "2.0")
    venv.install("alpha", "2.0", folder="Alpha-2.0.dist-info")
    venv.install("beta", headers="Requires-Dist: alpha\n")
    inventory = venv.read()
    assert [each.version for each in inventory.components if each.name == "alpha"] == ["2.0", "1.0", "2.0"]
    assert len(inventory.needs["pkg:pypi/beta@1.0"]) == 3
    assert "alpha is there 3 times" in said(inventory)
    written(inventory)


def test_a_pth_that_writes_a_file(venv: Venv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.pth` and no sitecustomize of the target or of PYTHONPATH runs."""
    code = f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()\n".encode()
    venv.install("alpha", files={"alpha.pth": code, "sitecustomize.py": code, "usercustomize.py": code})
    elsewhere = Venv(tmp_path / "elsewhere")
    elsewhere.install("stranger", files={"sitecustomize.py": code})
    monkeypatch.setenv("PYTHONPATH", str(elsewhere.site))
    monkeypatch.syspath_prepend(str(elsewhere.site))
    python = venv.root / "bin/python"
    python.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    python.chmod(0o755)
    inventory = venv.read()
    assert not (tmp_path / "ran").exists()
    assert [each.name for each in inventory.components] == ["alpha", "python"]


def test_links_in_circles_and_out(venv: Venv, tmp_path: Path) -> None:
    """Links are not followed: neither a circle, nor out of the folder, where RECORD names one."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.py").write_text(TOKEN)
    (venv.site / "loop").symlink_to(venv.site)
    (venv.site / "self").symlink_to("self")
    (venv.site / "out").symlink_to(tmp_path / "outside")
    (venv.root / "lib64").symlink_to("lib")
    venv.install("alpha", record="out/secret.py,,\nself,,\nloop/alpha.py,,\nalpha.py,,\n")
    inventory = venv.read()
    assert said(inventory).count("not there as a file") == 3
    assert len(inventory.components) == 2


def test_control_characters_and_colours(venv: Venv) -> None:
    """What steers a terminal is escaped wherever it stands: names, summaries, paths, addresses."""
    venv.install(
        "alpha",
        metadata="Name: al\x1b[31mpha\x07\nVersion: 1.0\x9b\nSummary: \u202ereversed\n"
        "Project-URL: Home\x1b, https://host.example/\x1b[0m\nLicense: \x1b[2J\n\n".encode(),
    )
    (venv.site / "evil\x1b[31m.py").write_text("")
    (venv.site / os.fsdecode(b"bytes\xff.py")).write_text("")
    inventory = venv.read()
    for each in inventory.components:
        texts = (
            each.name,
            each.version,
            each.description,
            each.ref,
            each.purl,
            *(x.name for x in each.licences),
        )
        assert all(text.isprintable() for text in texts), each
        assert all(r.url.isprintable() and r.comment.isprintable() for r in each.references)
    assert all(each.where.isprintable() and each.what.isprintable() for each in inventory.findings)
    assert "is not a name of a package" in said(inventory)
    written(inventory)


@pytest.mark.parametrize("words", ["MIT AND", "((((" * 100, "No Such Licence", "MIT\x00", "x" * 100_000])
def test_licences_that_are_no_expression(venv: Venv, words: str) -> None:
    """Words that are no expression stay words, and where an expression was promised that is found."""
    venv.install("alpha", headers=f"License-Expression: {words}\n")
    inventory = venv.read()
    (licence,) = named(inventory, "alpha").licences
    assert (licence.expression, bool(licence.name)) == ("", True)
    assert "is no SPDX expression" in said(inventory)


def test_a_licence_field_that_is_a_text(venv: Venv) -> None:
    """A whole text in the field License gives its first line as a name."""
    venv.install("alpha", headers="License: The Licence of Alpha\n        " + "words " * 100 + "\n")
    assert named(venv.read(), "alpha").licences == (Licence(name="The Licence of Alpha"),)


def test_a_licence_file_outside(venv: Venv, tmp_path: Path) -> None:
    """A License-File that leads out of the metadata, or is a link, is not read."""
    (tmp_path / "secret").write_text(TOKEN)
    info = venv.install("alpha", headers="License-File: ../../../../../secret\nLicense-File: link\n")
    (info / "link").symlink_to(tmp_path / "secret")
    inventory = venv.read()
    assert TOKEN not in whole(inventory)
    assert said(inventory).count("is not there") == 2


@pytest.mark.parametrize(
    "url",
    [
        {"url": f"https://user:{TOKEN}@host.example/r", "vcs_info": {"vcs": "git", "commit_id": "a" * 40}},
        {"url": f"https://{TOKEN}@host.example/x.zip", "archive_info": {"hash": "sha256=" + "a" * 64}},
        {"url": f"https://host.example/x.zip?token={TOKEN}", "archive_info": {}},
        {"url": "https://host.example/r", "vcs_info": {"vcs": TOKEN, "commit_id": "a"}},
        {"url": "https://host.example/r", "vcs_info": {"vcs": "git", "commit_id": f"https://u:{TOKEN}@h"}},
        {"url": "https://host.example/r", "archive_info": {"hashes": {TOKEN: 1, "sha256": ["x"]}}},
        {"url": f"file:///home/{TOKEN}/x", "dir_info": {}},
    ],
)
def test_a_token_in_direct_url(venv: Venv, url: dict[str, object]) -> None:
    """No credential and no folder of a user reaches the inventory."""
    venv.install("alpha", notes={"direct_url.json": json.dumps(url).encode()})
    assert TOKEN not in whole(venv.read())


def test_a_token_in_project_urls(venv: Venv) -> None:
    """Addresses of the metadata are told without credentials."""
    venv.install(
        "alpha", headers=f"Project-URL: Source, https://u:{TOKEN}@host.example/r\nHome-page: nonsense\n"
    )
    assert TOKEN not in whole(venv.read())


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"url": 1}', b'{"url": "x", "url": "y"}', b"\xff"])
def test_direct_url_that_is_none(venv: Venv, data: bytes) -> None:
    """A malformed direct_url.json is a finding."""
    venv.install("alpha", notes={"direct_url.json": data})
    assert "direct_url.json" in said(venv.read())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<xml",
        b'{"bomFormat": "CycloneDX"}',
        b'{"bomFormat": "CycloneDX", "specVersion": "1.5", "metadata": []}',
        (
            b'{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{"bom-ref": "a", "name": "x"},'
            b' {"bom-ref": "a", "name": "y"}]}'
        ),
        b"[" * 5000,
        b"\xff",
    ],
)
def test_a_malformed_embedded_sbom(venv: Venv, data: bytes) -> None:
    """A document that cannot be read is a finding, and the package is kept."""
    venv.install("alpha", notes={"sboms/bad.json": data})
    inventory = venv.read()
    assert [each.name for each in inventory.components] == ["alpha", "python"]
    assert f"{SITE}/alpha-1.0.dist-info/sboms/bad.json" in said(inventory)


def test_requirements_that_are_none(venv: Venv) -> None:
    """A requirement that cannot be parsed is a finding."""
    venv.install("alpha", headers="Requires-Dist: ???\nRequires-Dist: beta; what == 'x'\n")
    assert "requires '???', which is no requirement" in said(venv.read())
    assert """has the marker "what == 'x'", which is none""" in said(venv.read())


@pytest.mark.parametrize("config", [b"", b"\xff\xfe", b"version = \x1b[31m\n", b"version\n= = =\n"])
def test_a_configuration_that_says_nothing(venv: Venv, config: bytes) -> None:
    """A pyvenv.cfg without a version leaves the one that the folder states."""
    (venv.root / "pyvenv.cfg").write_bytes(config)
    venv.install("alpha")
    assert named(venv.read(), "python").version == "3.11"


def test_packages_of_the_base_interpreter(venv: Venv) -> None:
    """An environment that sees its base's packages says that they were not read."""
    (venv.root / "pyvenv.cfg").write_text("version = 3.11.7\ninclude-system-site-packages = true\n")
    assert "packages of the base interpreter" in said(venv.read())
