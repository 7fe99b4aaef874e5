"""`repro sbom` of every kind of target by the command line, in every format, at any place."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.build.conftest import nix, project  # noqa: F401 - fixtures
from tests.cli.test_sbom_cli import REPRO, install, repro
from tests.sbom.images.makers import layer, layout, stanza
from tests.sbom.nix.test_nix_real import DIFF, PACKAGES, SOURCE
from tests.sbom.python.test_distributions import METADATA, packed, source

if TYPE_CHECKING:
    from pathlib import Path

    from tests.build.conftest import Project
    from tests.cli.test_sbom_cli import Answer

FORMATS = ("cyclonedx-json", "cyclonedx-xml", "spdx-json")
TOKEN = "hunter2"
HOST = "planted-host"
HOMES = ("/home/ada-planted", "/home/bo-planted")


@pytest.fixture(params=["layout", "archive", "packed"])
def image(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An image of a package of dpkg's, as a folder, an archive, and one that is compressed."""
    made = layout(
        layer({"var/lib/dpkg/status": stanza("libc6", "2.36").encode(), "etc/hostname": HOST.encode()})
    )
    if request.param == "layout":
        made.write(tmp_path / "image")
        return "image"
    made.pack(tmp_path / "image.tar", packed=request.param == "packed")
    return "image.tar"


def test_an_image(image: str, tmp_path: Path) -> None:
    """Made, checked and valid, whatever form the image has; a changed image is exit 1."""
    made = repro(tmp_path, "sbom", image, "--out", "sbom.json")
    assert made.code == 0, made.err
    document = json.loads((tmp_path / "sbom.json").read_bytes())
    assert [each["name"] for each in document["components"]] == ["libc6"]
    assert HOST.encode() not in (tmp_path / "sbom.json").read_bytes()
    assert repro(tmp_path, "sbom", "check", "sbom.json", image).code == 0
    assert repro(tmp_path, "sbom", "validate", "sbom.json").code == 0
    layout(layer({"var/lib/dpkg/status": stanza("libc6", "2.37").encode()})).pack(tmp_path / "other.tar")
    assert repro(tmp_path, "sbom", "check", "sbom.json", "other.tar").code == 1
    assert repro(tmp_path, "sbom", image, "--platform", "linux/riscv64").code != 0


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_a_distribution(tmp_path: Path, kind: str) -> None:
    """The file by its hash, what it requires without one, which is said; strictly checked, it is the same."""
    if kind == "wheel":
        name = packed(tmp_path / "alpha-1.0-py3-none-any.whl").name
    else:
        name = source(tmp_path / "alpha-1.0.tar.gz", {"alpha-1.0/PKG-INFO": METADATA}).name
    made = repro(tmp_path, "sbom", name, "--out", "sbom.json")
    assert (made.code, "without a hash" in made.err) == (0, True)
    components = json.loads((tmp_path / "sbom.json").read_bytes())["components"]
    (beta,) = (each for each in components if each["name"] == "beta")
    assert {"name": "repro:python:requires", "value": "beta>=2"} in beta["properties"]
    answer = repro(tmp_path, "sbom", "check", "sbom.json", name, "--json")
    assert (answer.code, "beta" in answer.document["compared"]["by_version_only"]) == (0, False)


def test_a_lock_of_any_name(tmp_path: Path) -> None:
    """Another hash under the same version is exit 1, and both are told; the lock itself changed too."""
    line = "alpha==1.0 --hash=sha256:{}\nbeta==2.0 --hash=sha256:{}\n"
    (tmp_path / "pins").write_text(line.format("a" * 64, "b" * 64), encoding="utf-8")
    assert "2 components, written" in repro(tmp_path, "sbom", "pins", "--out", "sbom.json").err
    answer = repro(tmp_path, "sbom", "check", "sbom.json", "pins", "--strict", "--json")
    assert answer.document["compared"] == {"by_hash": 3, "within": 0, "by_version_only": []}
    (tmp_path / "pins").write_text(line.format("a" * 64, "c" * 64), encoding="utf-8")
    answer = repro(tmp_path, "sbom", "check", "sbom.json", "pins", "--json")
    changed = {(each["name"], each["stated"], each["found"]) for each in answer.document["deviations"]}
    assert answer.code == 1
    assert ("beta 2.0", f"distribution sha256 {'b' * 64}", f"distribution sha256 {'c' * 64}") in changed


def in_nix(project: Project, *arguments: str) -> Answer:  # noqa: F811
    """One call where Nix's store is the test's own."""
    return repro(project.root, *arguments, **project.environment)


def test_an_attribute_of_a_flake(project: Project) -> None:  # noqa: F811
    """Licence, CPE, source, patches and no token of a real package, built and before it is built."""
    for name in ("CVE-2024-1.patch", "fix-CVE-2024-12345.patch"):
        (project.root / name).write_text(DIFF, encoding="utf-8")
    project.attributes(**PACKAGES)
    file = project.root.parent / "app-2.0.tar.gz"
    file.write_bytes(SOURCE)
    project.nix("--add-fixed", "sha256", file, program="nix-store")
    app = f"path:{project.root}#app"
    before = in_nix(project, "sbom", app, "--closure", "buildtime")
    assert before.code == 0, before.err
    names = [each["name"] for each in before.document["components"]]
    assert {"library", "app"} <= {name.partition("-2")[0] for name in names}
    assert in_nix(project, "sbom", app).code != 0  # not built
    project.nix("build", "--no-link", app)
    for form in FORMATS:
        answer = in_nix(project, "sbom", app, "--format", form, "--out", f"sbom.{form}.json")
        assert answer.code == 0, answer.err
        data = (project.root / f"sbom.{form}.json").read_text(encoding="utf-8")
        assert TOKEN not in data + answer.err
        for stated in ("cpe:2.3:a:maker:app:2.0", "MIT", "CVE-2024-12345", "pkg:nix/library@1.5"):
            assert stated in data, (form, stated)
    checked = in_nix(project, "sbom", "check", f"sbom.{FORMATS[0]}.json", app)
    assert checked.code == 0, checked.err


def test_no_token_reaches_any_format(tmp_path: Path) -> None:
    """A package installed from an address with a token: its origin is told, and never the token."""
    install(tmp_path / "venv", "demo", "1.0")
    (tmp_path / "venv" / "pyvenv.cfg").write_text("version = 3.11.7\n", encoding="utf-8")
    info = next((tmp_path / "venv").rglob("demo-1.0.dist-info"))
    url = f"https://ada:{TOKEN}@example.org/demo.git"
    origin = {"url": url, "vcs_info": {"vcs": "git", "commit_id": "c" * 40}}
    (info / "direct_url.json").write_text(json.dumps(origin), encoding="utf-8")
    with (info / "METADATA").open("a", encoding="utf-8") as file:
        file.write(f"Project-URL: Source, {url}\nHome-page: https://example.org/?token={TOKEN}\n")
        file.write(f"Requires-Dist: other @ {url}\nRequires-Dist: no @@ {url}\n")
    for form in FORMATS:
        answer = repro(tmp_path, "sbom", "venv", "--format", form)
        assert answer.code == 0, answer.err
        assert b"example.org" in answer.out
        assert TOKEN not in answer.out.decode() + answer.err


@pytest.mark.parametrize("form", FORMATS)
def test_two_clones_two_users_two_hash_seeds(tmp_path: Path, form: str) -> None:
    """Clones at two places, read by two users under two hash seeds: the same bytes, no home and no host."""
    origin = tmp_path / "origin"
    install(origin / "venv", "demo", "1.0")
    install(origin / "venv", "other", "2.0")
    (origin / "venv" / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.7\n", encoding="utf-8")
    quiet = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}

    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", *who, *words], check=True, capture_output=True, env=quiet)

    git("init", "-q", str(origin))
    git("-C", str(origin), "add", "-A")
    git("-C", str(origin), "commit", "-q", "-m", "all")
    found = []
    for seed, home in enumerate(HOMES):
        clone = tmp_path / f"somewhere{seed}" / ("deep/" * seed) / f"clone{seed}"
        git("clone", "-q", str(origin), str(clone))
        who = {"HOME": home, "USER": f"user{seed}", "LOGNAME": f"user{seed}", "HOSTNAME": f"{HOST}{seed}"}
        seeds = {"PYTHONHASHSEED": str(seed + 1), "TZ": ("UTC", "Asia/Tokyo")[seed]}
        call = [*REPRO, "-q", "sbom", "venv", "--format", form]
        env = {**os.environ, **who, **seeds}
        found.append(subprocess.run(call, cwd=clone, env=env, check=True, capture_output=True).stdout)
    assert found[0] == found[1]
    for word in (str(tmp_path), *HOMES, HOST, os.uname().nodename, "user0", "somewhere"):
        assert word.encode() not in found[0]
