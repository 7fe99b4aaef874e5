"""`repro sbom` on real environments: made, checked, compared, validated, judged; by the command line."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from repro.cli.main import run

if TYPE_CHECKING:
    from pathlib import Path

REPRO = (sys.executable, "-c", "from repro.cli.main import main; main()")
SITE = "lib/python3.11/site-packages"
FILES = {"demo/__init__.py": "X = 1\n", "demo/data.txt": "data\n"}
TOML = 'version = 1\n[sbom]\ntarget = "venv"\nspec = "1.5"\n[licences]\nallow = ["MIT"]\n'
TOML += '[[licences.exceptions]]\ncomponent = "python"\nreason = "is the interpreter"\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call printed and how it ended."""

    code: int
    out: bytes
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - JSON
        """The JSON that was printed."""
        return json.loads(self.out)


def repro(folder: Path, *arguments: str, **variables: str) -> Answer:
    """One call: in this process, or in one of its own where it has variables of its own."""
    if not variables:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run(["-C", str(folder), *arguments])
        return Answer(code=code, out=out.getvalue().encode(), err=err.getvalue())
    env = {**os.environ, "LC_ALL": "C.UTF-8", **variables}
    done = subprocess.run([*REPRO, *arguments], cwd=folder, env=env, check=False, capture_output=True)
    return Answer(code=done.returncode, out=done.stdout, err=done.stderr.decode())


def install(venv: Path, name: str, version: str, licence: str = "MIT") -> None:
    """A distribution as an installer leaves it."""
    site = venv / SITE
    files = {file.replace("demo", name): text for file, text in FILES.items()}
    metadata = f"{name}-{version}.dist-info/METADATA"
    files[metadata] = (
        f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nLicense-Expression: {licence}\n"
    )
    rows = []
    for file, text in files.items():
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_text(text, encoding="utf-8")
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        rows.append(f"{file},sha256={digest},{len(text)}\n")
    record = site / f"{name}-{version}.dist-info" / "RECORD"
    record.write_text("".join(rows) + f"{name}-{version}.dist-info/RECORD,,\n", encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with a virtual environment of two packages, and its SBOM."""
    root = tmp_path / "project"
    venv = root / "venv"
    venv.mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.7\n", encoding="utf-8")
    install(venv, "demo", "1.0")
    install(venv, "other", "2.0")
    (root / "repro.toml").write_text(TOML, encoding="utf-8")
    made = repro(root, "sbom", "venv", "--out", "sbom.json")
    assert made.code == 0, made.err
    assert "3 components, 1 without a hash, written to sbom.json" in made.err
    return root


def test_an_sbom_is_that_of_what_it_was_made_of(folder: Path) -> None:
    """Made and checked at once: every component agrees by hash."""
    answer = repro(folder, "sbom", "check", "sbom.json", "venv", "--json")
    assert (answer.code, answer.document["deviations"]) == (0, [])
    assert answer.document["compared"] == {"by_hash": 2, "within": 0, "by_version_only": ["python 3.11.7"]}


@pytest.mark.parametrize("file", ["demo/data.txt", "demo/__init__.py", "other-2.0.dist-info/METADATA"])
def test_one_flipped_byte_in_one_installed_file_is_caught(folder: Path, file: str) -> None:
    """One bit of one installed file is exit 1, component and file are named; the size is the same."""
    path = folder / "venv" / SITE / file
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)
    answer = repro(folder, "sbom", "check", "sbom.json", "venv")
    assert answer.code == 1
    assert f"changed  {file.split('/', maxsplit=1)[0].split('-', maxsplit=1)[0]}" in answer.out.decode()
    assert f"{SITE}/{file}: is not what RECORD states" in answer.out.decode()
    belied = repro(folder, "sbom", "check", "sbom.json", "venv", "--json").document["belied"]
    assert [each["where"] for each in belied] == [f"{SITE}/{file}"]


def test_verify_makes_and_proves_in_one_step(folder: Path) -> None:
    """--verify gives the same bytes where RECORD is true, and exit 1 with the file's name where it is not."""
    before = repro(folder, "sbom", "venv", "--verify")
    assert (before.code, before.out) == (0, (folder / "sbom.json").read_bytes())
    assert "that RECORD states" not in before.err
    path = folder / "venv" / SITE / "demo/data.txt"
    path.write_bytes(b"DATA\n")
    plain = repro(folder, "sbom", "venv")
    assert (plain.code, plain.out) == (0, before.out)
    assert "digests of files are those that RECORD states" in plain.err
    after = repro(folder, "sbom", "venv", "--verify", "--out", "after.json")
    assert after.code == 1
    assert "demo/data.txt: is not what RECORD states" in after.err
    assert repro(folder, "sbom", "check", "after.json", "venv").code == 0
    assert repro(folder, "sbom", "diff", "sbom.json", "after.json").code == 1
    (folder / "pins.lock").write_text(f"demo==1.0 --hash=sha256:{'a' * 64}\n", encoding="utf-8")
    assert "--verify is for Python environments" in repro(folder, "sbom", "pins.lock", "--verify").err


def test_verify_that_had_nothing_to_compare_is_no_proof(folder: Path) -> None:
    """Where no RECORD states a digest, --verify is exit 3 and says so; without it an SBOM is made."""
    for record in (folder / "venv" / SITE).glob("*/RECORD"):
        record.unlink()
    answer = repro(folder, "sbom", "venv", "--verify")
    assert answer.code == 3
    assert "had nothing to compare the files with" in answer.err
    assert repro(folder, "sbom", "venv").code == 0


def test_added_and_missing_packages_are_caught(folder: Path) -> None:
    """A package that came or went after the SBOM was made is exit 1."""
    install(folder / "venv", "third", "1")
    shutil.rmtree(folder / "venv" / SITE / "demo-1.0.dist-info")
    shutil.rmtree(folder / "venv" / SITE / "demo")
    answer = repro(folder, "sbom", "check", "sbom.json", "venv", "--json")
    kinds = {(each["kind"], each["name"]) for each in answer.document["deviations"]}
    assert answer.code == 1
    assert {("added", "pkg:pypi/third"), ("missing", "pkg:pypi/demo")} <= kinds


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"components": []}, 1),
        ({"components": [{"type": "library", "name": "demo", "version": "1.0"}]}, 1),
    ],
)
def test_an_sbom_that_says_little_never_passes(folder: Path, fields: dict[str, Any], code: int) -> None:
    """An SBOM without components, or with some left out, is not that of an environment that has some."""
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", **fields}
    (folder / "little.json").write_text(json.dumps(document), encoding="utf-8")
    assert repro(folder, "sbom", "check", "little.json", "venv").code == code


def test_an_sbom_without_hashes_is_not_checked(folder: Path) -> None:
    """Where names and versions agree and no hash can be compared, the exit code is 3, and it is said."""
    document = json.loads((folder / "sbom.json").read_bytes())
    for each in (document["metadata"]["component"], *document["components"]):
        each.pop("hashes", None)
        each.pop("properties", None)
    (folder / "bare.json").write_text(json.dumps(document), encoding="utf-8")
    answer = repro(folder, "sbom", "check", "bare.json", "venv")
    assert answer.code == 3, answer.out
    assert "compared by version only" in answer.out.decode()


@pytest.mark.parametrize("form", ["cyclonedx-json", "cyclonedx-xml", "spdx-json"])
def test_the_same_bytes_from_two_folders_two_users_and_two_hash_seeds(
    folder: Path, tmp_path: Path, form: str
) -> None:
    """A copy elsewhere, read by another user with another hash seed, has the same SBOM, byte for byte."""
    other = tmp_path / "elsewhere" / "copy"
    shutil.copytree(folder, other)
    first = repro(folder, "sbom", "venv", "--format", form, HOME="/home/ada", USER="ada", PYTHONHASHSEED="1")
    second = repro(other, "sbom", "venv", "--format", form, HOME="/home/bo", USER="bo", PYTHONHASHSEED="2")
    assert first.code == 0, first.err
    assert first.out == second.out
    for word in (str(tmp_path), "/home/", os.uname().nodename):
        assert word.encode() not in first.out


def test_without_a_target_the_table_decides(folder: Path) -> None:
    """[sbom] of repro.toml names the target and the version, also from a folder below; options win."""
    (folder / "below").mkdir()
    plain = repro(folder / "below", "sbom")
    assert plain.document["specVersion"] == "1.5"
    assert repro(folder, "-q", "sbom", "--spec", "1.7").document["specVersion"] == "1.7"
    assert repro(folder, "sbom", "-C", "below", "-q").out == plain.out
    (folder / "repro.toml").write_text("version = 1\n", encoding="utf-8")
    answer = repro(folder, "sbom")
    assert (answer.code, answer.out) == (2, b"")
    assert "no table [sbom]" in answer.err


def test_two_sboms_are_told_apart(folder: Path) -> None:
    """Diff exits by its verdict: 0 the same, 1 different; as text, JSON and Markdown."""
    shutil.rmtree(folder / "venv" / SITE / "demo-1.0.dist-info")
    install(folder / "venv", "demo", "1.1", "Apache-2.0")
    repro(folder, "sbom", "venv", "--out", "new.xml", "--format", "cyclonedx-xml")
    assert repro(folder, "sbom", "diff", "sbom.json", "sbom.json").code == 0
    answer = repro(folder, "sbom", "diff", "sbom.json", "new.xml", "--json", "--markdown", "change.md")
    assert answer.code == 1
    kinds = {(each["kind"], each["before"], each["after"]) for each in answer.document["changes"]}
    assert {("version", "1.0", "1.1"), ("licence", "MIT", "Apache-2.0")} <= kinds
    assert "| pkg:pypi/demo | 1.0 | 1.1 |" in (folder / "change.md").read_text(encoding="utf-8")


def test_licences_are_held_against_repro_toml(folder: Path) -> None:
    """An SBOM and its target are judged alike: 0 all allowed, 1 one is not, 2 a policy that is wrong."""
    assert repro(folder, "sbom", "licences", "sbom.json").code == 0
    assert repro(folder, "sbom", "licences").code == 0
    install(folder / "venv", "third", "1", "GPL-3.0-only")
    answer = repro(folder, "sbom", "licences", "venv", "--json")
    failed = [each["name"] for each in answer.document["checks"] if each["status"] == "fail"]
    assert (answer.code, failed) == (1, ["third 1"])
    (folder / "repro.toml").write_text('version = 1\n[licences]\nallow = ["MITT"]\n', encoding="utf-8")
    answer = repro(folder, "sbom", "licences", "sbom.json")
    assert answer.code == 2
    assert "licences.allow[0]: no SPDX licence: 'MITT'" in answer.err
    assert "did you mean 'MIT'?" in answer.err


def test_validate_tells_places(folder: Path) -> None:
    """A valid file is exit 0, an invalid one exit 1 with the place, one that is none exit 1."""
    assert repro(folder, "sbom", "validate", "sbom.json").code == 0
    text = (folder / "sbom.json").read_text(encoding="utf-8")
    (folder / "wrong.json").write_text(text.replace('"type":"library"', '"type":"book"', 1), encoding="utf-8")
    answer = repro(folder, "sbom", "validate", "wrong.json")
    assert (answer.code, "$.components[0].type: 'book'" in answer.out.decode()) == (1, True)
    (folder / "none.json").write_text("{}", encoding="utf-8")
    assert repro(folder, "sbom", "validate", "none.json", "--json").document["exit"] == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["sbom", "nowhere"], 2),
        (["sbom", "chekc"], 2),
        (["sbom", "venv", "--format", "word"], 2),
        (["sbom", "venv", "--spec", "1.3"], 2),
        (["sbom", "venv", "--spec", "1.6", "--format", "spdx-json"], 2),
        (["sbom", "venv", "--closure", "runtime"], 2),
        (["sbom", "check", "nowhere.json", "venv"], 3),
        (["sbom", "check", "sbom.json"], 2),
        (["sbom", "check", "repro.toml", "venv"], 1),
        (["sbom", "diff", "sbom.json", "nowhere.json"], 3),
    ],
)
def test_wrong_calls_have_a_code_and_a_hint(folder: Path, arguments: list[str], code: int) -> None:
    """Wrong usage is 2, what is not there 3, what is no SBOM 1; each is told without a traceback."""
    answer = repro(folder, *arguments)
    assert (answer.code, answer.out) == (code, b""), answer.err
    assert answer.err.startswith("error: ")
    assert "Traceback" not in answer.err


def test_a_missing_library_is_named_with_its_extra(folder: Path) -> None:
    """Without the libraries of an extra, SPDX and validation are exit 3, and the extra is named."""
    for extra, module, arguments in (
        ("spdx", "spdx_tools", ["sbom", "venv", "--format", "spdx-json"]),
        ("validation", "jsonschema", ["sbom", "validate", "sbom.json"]),
    ):
        call = f"import sys; sys.modules[{module!r}] = None; from repro.cli.main import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", call, *arguments], cwd=folder, check=False, capture_output=True
        )
        assert done.returncode == 3, done.stderr
        assert f"repro-toolchain[{extra}]" in done.stderr.decode()
