"""The flake on the stub: everything evaluates, for every system, without a network."""

from __future__ import annotations

import re
import shutil
import tomllib
from typing import TYPE_CHECKING

import pytest
from tests.nix.conftest import STUB, SYSTEMS

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.nix.conftest import Nix

pytestmark = pytest.mark.nix

OUTPUTS = {
    "packages": {"default", "docker", "in-toto"},
    "devShells": {"ci", "default", "full"},
    "checks": {"docs", "formatting", "lint", "package", "sbom", "tests", "types"},
    "apps": {"default", "lint", "test"},
}
EXPERIMENTS = {"branin", "linalg", "lorenz", "nist", "noise", "policy-gradient"}

EVALUATE = """
  let
    name = value: if value.type or null == "app" then value.program else value.drvPath;
  in builtins.mapAttrs (_: builtins.mapAttrs (_: name))
"""


def on_stub(tree: Path, stub: Path) -> tuple[str, ...]:
    """The flake, with the stub in place of nixpkgs."""
    return (
        "--no-write-lock-file",
        "--offline",
        "--override-input",
        "nixpkgs",
        f"path:{stub}",
        f"path:{tree}",
    )


def check(nix: Nix, tree: Path, stub: Path) -> subprocess.CompletedProcess[str]:
    return nix.run("flake", "check", "--no-build", "--all-systems", *on_stub(tree, stub))


def names_of(requirements: list[str]) -> list[str]:
    """The names that nixpkgs gives to what Python requirements name."""
    return [
        re.split(r"[<>=!~;\[ ]", requirement)[0].lower().replace(".", "-") for requirement in requirements
    ]


@pytest.fixture
def copy(tree: Path, tmp_path: Path) -> Path:
    """The project, to be damaged."""
    return shutil.copytree(tree, tmp_path / "tree")


def test_the_flake_holds_for_every_system(nix: Nix, tree: Path, stub: Path) -> None:
    """`nix flake check` finds nothing to object to on any system, import-from-derivation forbidden."""
    done = check(nix, tree, stub)
    assert done.returncode == 0, done.stderr
    for system in SYSTEMS:
        assert f"checking derivation packages.{system}.default" in done.stderr


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_attribute_evaluates(nix: Nix, tree: Path, stub: Path, output: str) -> None:
    """Each attribute of each system is a derivation or program, and the documented ones are there."""
    *options, flake = on_stub(tree, stub)
    found = nix.json("eval", "--json", *options, f"{flake}#{output}", "--apply", EVALUATE)
    assert set(found) == set(SYSTEMS)
    for system, attributes in found.items():
        wanted = OUTPUTS[output] - ({"docker"} if system.endswith("darwin") else set())
        if output == "checks" and system == "x86_64-linux":
            wanted |= {f"experiment-{name}" for name in EXPERIMENTS}
        assert set(attributes) == wanted


def test_show_lists_what_there_is(nix: Nix, tree: Path, stub: Path) -> None:
    """`nix flake show` describes every output, and no output is of a kind Nix does not know."""
    shown = nix.json("flake", "show", "--json", "--all-systems", *on_stub(tree, stub))
    assert set(shown) == {*OUTPUTS, "formatter", "lib", "overlays", "templates"}
    assert shown["templates"]["default"]["description"].startswith("A research project")
    assert shown["packages"]["x86_64-linux"]["default"]["name"].startswith("repro-toolchain-")


def test_the_lock_is_accepted_as_it_is(nix: Nix, copy: Path) -> None:
    """Without a network and without leave to write, Nix takes `flake.lock` for complete."""
    before = (copy / "flake.lock").read_bytes()
    nix("flake", "lock", "--offline", "--no-update-lock-file", f"path:{copy}")
    assert (copy / "flake.lock").read_bytes() == before


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("nix/package.nix", "threadpoolctl", "threadpolctl"),
        ("nix/in-toto.nix", "securesystemslib", "securesystemlib"),
        ("nix/shells.nix", "diffoscope", "difoscope"),
        ("nix/checks.nix", "lychee", "lichee"),
    ],
)
def test_a_misspelt_dependency_is_caught(
    nix: Nix, copy: Path, stub: Path, file: str, right: str, wrong: str
) -> None:
    """A name that nixpkgs does not have fails the evaluation, and the error names it."""
    text = (copy / file).read_text()
    assert right in text
    (copy / file).write_text(re.sub(rf"\b{right}\b", wrong, text))
    done = check(nix, copy, stub)
    assert done.returncode != 0
    assert wrong in done.stderr


def test_import_from_derivation_is_caught(nix: Nix, copy: Path, stub: Path) -> None:
    """An output that reads what a derivation built fails the evaluation."""
    flake = (copy / "flake.nix").read_text()
    built = "formatter = forAllSystems (pkgs: import pkgs.nixfmt-tree);"
    (copy / "flake.nix").write_text(
        flake.replace("formatter = forAllSystems (pkgs: pkgs.nixfmt-tree);", built)
    )
    *options, flake = on_stub(copy, stub)
    done = nix.run("eval", *options, f"{flake}#formatter.x86_64-linux.drvPath")
    assert done.returncode != 0
    assert "allow-import-from-derivation" in done.stderr


def test_an_altered_list_of_data_is_caught(nix: Nix, copy: Path, stub: Path) -> None:
    """The list of a folder under DVC that is not the one its pointer names fails the evaluation."""
    (listing,) = (copy / "data" / "remote").rglob("*.dir")
    listing.write_text(listing.read_text().replace("Norris", "norris"))
    done = check(nix, copy, stub)
    assert done.returncode != 0
    assert "its MD5 is" in done.stderr


def test_readme_edits_rebuild_nothing(nix: Nix, copy: Path, stub: Path) -> None:
    """The derivation of the program is the same before and after an edit of the README."""
    *options, flake = on_stub(copy, stub)
    path = ("eval", "--raw", *options, f"{flake}#packages.x86_64-linux.default.drvPath")
    before = nix(*path)
    (copy / "README.md").write_text("another text\n")
    assert nix(*path) == before
    (copy / "src" / "repro" / "added.py").write_text("")
    assert nix(*path) != before


def test_the_package_needs_what_the_project_declares(nix: Nix, tree: Path, stub: Path) -> None:
    """The flake's dependencies and extras are those of pyproject.toml, by name."""
    project = tomllib.loads((tree / "pyproject.toml").read_text())
    *options, flake = on_stub(tree, stub)
    read = """package: {
      dependencies = map (part: part.pname or part.name) package.dependencies;
      extras = builtins.mapAttrs (_: map (part: part.name)) package.optional-dependencies;
    }"""
    found = nix.json("eval", "--json", *options, f"{flake}#packages.x86_64-linux.default", "--apply", read)
    assert found == {
        "dependencies": names_of(project["project"]["dependencies"]),
        "extras": {
            extra: names_of(wanted) for extra, wanted in project["project"]["optional-dependencies"].items()
        },
    }


def test_the_shells_have_what_the_tests_need(nix: Nix, tree: Path, stub: Path) -> None:
    """The interpreter of the contributors' shell has every development requirement that is a library."""
    elsewhere = {"ruff", "zizmor"} | {"cyclonedx-bom", "gcp-storage-emulator"}  # programs; not in nixpkgs
    wanted = tomllib.loads((tree / "pyproject.toml").read_text())["dependency-groups"]["dev"]
    *options, flake = on_stub(tree, stub)
    read = "shell: map (part: part.name) (builtins.concatMap (part: part.chosen or [ ]) shell.packages)"
    found = nix.json("eval", "--json", *options, f"{flake}#devShells.x86_64-linux.default", "--apply", read)
    assert set(names_of(wanted)) - elsewhere <= set(found)


def test_the_image_is_no_root_shell(nix: Nix, tree: Path, stub: Path) -> None:
    """The image runs as another user, holds the program, certificates and git, and no time of its own."""
    *options, flake = on_stub(tree, stub)
    read = "image: { inherit (image) created config; contents = map (part: part.name) image.contents; }"
    image = nix.json("eval", "--json", *options, f"{flake}#packages.x86_64-linux.docker", "--apply", read)
    assert re.fullmatch(r"@\d+", image["created"])
    assert '"User":"65532:65532"' in image["config"]
    assert '"org.opencontainers.image.licenses":"Apache-2.0"' in image["config"]
    assert sorted(re.sub(r"-[\d.]+$", "", name) for name in image["contents"]) == [
        "cacert",
        "gitMinimal",
        "repro-toolchain",
    ]


def test_nothing_hides_a_failure(tree: Path) -> None:
    """No script of the flake ignores an exit status, and the flake configures no caller's Nix."""
    files = [tree / "flake.nix", *(tree / "nix").rglob("*.nix")]
    assert len(files) > 5
    for file in files:
        assert not re.search(r"\|\|\s*(true|:)|nixConfig|flake-utils", file.read_text()), file


def test_the_stub_knows_no_more_than_is_used(tree: Path) -> None:
    """Every name the stub offers is used by the flake, so that a stale one cannot hide a mistake."""
    names = set(re.findall(r'"([\w-]+)"', (STUB / "names.nix").read_text()))
    used = "\n".join(file.read_text() for file in [tree / "flake.nix", *(tree / "nix").rglob("*.nix")])
    unused = {name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", used)}
    assert unused == set()
