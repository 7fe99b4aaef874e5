"""Wheels, source distributions and locks, read as what they are: files with something inside."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest
from tests.sbom.contents.conftest import dep_v0, elf
from tests.sbom.python.conftest import record_hash, said

from repro.core.digest import Digest, of_bytes
from repro.core.errors import ConfigError, FormatError
from repro.sbom.component import REQUIRES
from repro.sbom.lockfile import EXTRAS, MARKER, lock
from repro.sbom.python_requires import SPECIFIER
from repro.sbom.wheel import sdist, wheel

if TYPE_CHECKING:
    from pathlib import Path

INFO = "alpha-1.0.dist-info"
METADATA = b"Name: Alpha\nVersion: 1.0\nRequires-Dist: beta>=2\nLicense-File: LICENSE\n\nText\n"


def packed(path: Path, changes: dict[str, bytes | None] | None = None) -> Path:
    """A wheel with a true RECORD, but for `changes` that are made after it was written."""
    sbom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [{"type": "library", "name": "zlib"}],
    }
    files: dict[str, bytes | None] = {
        "alpha/__init__.py": b"VALUE = 1\n",
        "alpha/native.so": elf({".dep-v0": dep_v0([{"name": "crate", "version": "0.3"}])}),
        f"{INFO}/METADATA": METADATA,
        f"{INFO}/WHEEL": b"Wheel-Version: 1.0\n",
        f"{INFO}/licenses/LICENSE": b"Licence\n",
        f"{INFO}/sboms/native.json": json.dumps(sbom).encode(),
    }
    lines = [f"{name},{record_hash(data or b'')},1" for name, data in files.items()]
    files[f"{INFO}/RECORD"] = "\n".join([*lines, f"{INFO}/RECORD,,", ""]).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**files, **(changes or {})}.items():
            if data is not None:
                archive.writestr(name, data)
    return path


def test_a_wheel(tmp_path: Path) -> None:
    """The file is the target with its hash; crates and the embedded SBOM stand inside, needs are stated."""
    path = packed(tmp_path / "alpha-1.0-py3-none-any.whl")
    inventory = wheel(path)
    assert (inventory.target.purl, inventory.target.digests) == (
        "pkg:pypi/alpha@1.0",
        (of_bytes(path.read_bytes()),),
    )
    assert inventory.target.licences[0].texts == (("LICENSE", "Licence\n"),)
    inner = [each for each in inventory.components if each.name != "beta"]
    assert sorted(each.name for each in inner) == ["crate", "zlib"]
    assert {each.inside for each in inner} == {inventory.target.ref}
    assert set(inventory.needs) == {inventory.target.ref, *(each.ref for each in inventory.components)}
    assert not inventory.findings


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"alpha/__init__.py": b"VALUE = 2\n"}, "is not what RECORD states"),
        ({"alpha/__init__.py": None}, "not there as a file"),
        ({"evil.py": b""}, "evil.py: belongs to no package"),
        ({f"{INFO}/RECORD": None}, "there is no RECORD"),
    ],
)
def test_a_wheel_whose_record_lies(tmp_path: Path, changes: dict[str, bytes | None], finding: str) -> None:
    """What RECORD states and is not so is found in a wheel too."""
    assert finding in said(wheel(packed(tmp_path / "alpha.whl", changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"../evil.py": b""},
        {"/evil.py": b""},
        {f"{INFO}/WHEEL": None},
        {"beta-1.0.dist-info/METADATA": b"Name: beta\n\n"},
        {f"{INFO}/METADATA": None, f"{INFO}/WHEEL": None},
    ],
)
def test_what_is_no_wheel(tmp_path: Path, changes: dict[str, bytes | None]) -> None:
    """A zip that leads out of itself, or holds no one folder of metadata, is refused."""
    with pytest.raises(FormatError):
        wheel(packed(tmp_path / "alpha.whl", changes))


def test_a_damaged_wheel(tmp_path: Path) -> None:
    """A wheel that is cut is refused."""
    path = packed(tmp_path / "alpha.whl")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(FormatError):
        wheel(path)


def source(path: Path, files: dict[str, bytes]) -> Path:
    """A source distribution with the files."""
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def test_a_source_distribution(tmp_path: Path) -> None:
    """PKG-INFO tells what it is, wherever in the archive it stands, and licences come along."""
    files = {
        "alpha-1.0/LICENSE": b"Licence\n",
        "alpha-1.0/src/alpha.egg-info/PKG-INFO": b"",
        "alpha-1.0/PKG-INFO": METADATA,
    }
    path = source(tmp_path / "alpha-1.0.tar.gz", files)
    inventory = sdist(path)
    assert (inventory.target.name, inventory.target.purl) == ("Alpha", "pkg:pypi/alpha@1.0")
    assert inventory.target.digests == (of_bytes(path.read_bytes()),)
    assert inventory.target.licences[0].texts == (("LICENSE", "Licence\n"),)
    assert ([each.purl for each in inventory.components], inventory.findings) == (["pkg:pypi/beta"], ())


def test_what_is_required_is_told_and_not_met(tmp_path: Path) -> None:
    """Each requirement is a component without version and hash, with its conditions; never a credential."""
    requires = (
        'Beta[fast]>=2,<3; python_version < "3.13"',
        "beta>=2.5; extra == 'new'",
        "gamma @ https://ada:hunter2@host.example/gamma",
        "alpha[all]",
        "delta @@ https://ada:hunter2@host.example/delta",
    )
    text = "Name: Alpha\nVersion: 1.0\n" + "".join(f"Requires-Dist: {each}\n" for each in requires)
    path = source(tmp_path / "alpha-1.0.tar.gz", {"alpha-1.0/PKG-INFO": text.encode()})
    inventory = sdist(path)
    beta, gamma = inventory.components
    assert (beta.name, beta.version, beta.purl, beta.digests) == ("beta", "", "pkg:pypi/beta", ())
    assert [value for key, value in beta.properties if key == REQUIRES] == [
        'Beta[fast]<3,>=2; python_version < "3.13"',
        'beta>=2.5; extra == "new"',
    ]
    assert {(SPECIFIER, "<3,>=2"), (MARKER, 'extra == "new"'), (EXTRAS, "fast")} <= set(beta.properties)
    assert gamma.properties == ((REQUIRES, "gamma @ https://host.example/gamma"),)
    assert inventory.needs == {inventory.target.ref: (beta.ref, gamma.ref), beta.ref: (), gamma.ref: ()}
    assert "which is no requirement" in said(inventory)
    assert "hunter2" not in repr(inventory)


@pytest.mark.parametrize(
    ("defect", "files"),
    [
        ("leads-out", {"../PKG-INFO": METADATA, "alpha-1.0/PKG-INFO": METADATA}),
        ("no-metadata", {"alpha-1.0/setup.py": b""}),
        ("two-of-them", {"alpha-1.0/PKG-INFO": METADATA, "beta-1.0/PKG-INFO": METADATA}),
        ("huge-metadata", {"alpha-1.0/PKG-INFO": METADATA + bytes(5 << 20)}),
    ],
)
def test_what_is_no_source_distribution(tmp_path: Path, defect: str, files: dict[str, bytes]) -> None:
    """An archive that leads out of itself, or does not say once what it is, is refused."""
    with pytest.raises(FormatError):
        sdist(source(tmp_path / f"{defect}.tar.gz", files))


def test_a_bomb(tmp_path: Path) -> None:
    """An archive that grows beyond all measure is refused while it is read."""
    path = tmp_path / "bomb.tar.gz"
    member = tarfile.TarInfo("alpha-1.0/zeros")
    member.size = 600 << 20
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(member.tobuf())
        for _ in range(600):
            file.write(bytes(1 << 20))
    with pytest.raises(FormatError):
        sdist(path)


def test_a_lock(tmp_path: Path) -> None:
    """Each package with its version, the hashes that are allowed, its conditions; the lock's own hash."""
    first, second = "a" * 64, "b" * 64
    path = tmp_path / "requirements.lock"
    path.write_text(
        f"Beta==2.0 ; sys_platform == 'win32' --hash=sha256:{first}\n"
        f"beta==2.0 ; sys_platform == 'linux' --hash=sha256:{second}\n"
        f"alpha[fast]==1.0 --hash=sha256:{first} --hash=sha256:{second}\n"
    )
    inventory = lock(path)
    alpha, beta = inventory.components
    assert [each.purl for each in inventory.components] == ["pkg:pypi/alpha@1.0", "pkg:pypi/beta@2.0"]
    assert [each.digests for each in alpha.references] == [(Digest("sha256", h),) for h in (first, second)]
    assert len(beta.references) == 2
    assert [value for key, value in beta.properties if key == MARKER] == [
        'sys_platform == "linux"',
        'sys_platform == "win32"',
    ]
    assert (EXTRAS, "fast") in alpha.properties
    assert inventory.target.digests == (of_bytes(path.read_bytes()),)
    assert inventory.needs[inventory.target.ref] == ("pkg:pypi/alpha@1.0", "pkg:pypi/beta@2.0")


def test_a_lock_without_hashes_is_none(tmp_path: Path) -> None:
    """Requirements that nothing pins are refused."""
    path = tmp_path / "requirements.txt"
    path.write_text("alpha\n")
    with pytest.raises(ConfigError):
        lock(path)
