"""`repro build --against`: binary caches with and without signatures, other stores, published hashes."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.build.conftest import Project, Said

pytestmark = pytest.mark.nix

PLAIN = "mkdir $out; echo hello > $out/file"
DATED = "mkdir $out; date +%s > $out/stamp"


def comparison(said: Said) -> dict[str, Any]:
    """The only comparison of the only derivation."""
    (derivation,) = said.document["derivations"]
    found: dict[str, Any]
    (found,) = derivation["comparisons"]
    return found


def keys(project: Project, name: str) -> tuple[Path, str]:
    """A new pair of keys: the file of the secret one, and the public one."""
    secret = project.nix.home / f"{name}.key"
    secret.write_text(project.nix("key", "generate-secret", "--key-name", name))
    done = subprocess.run(
        [project.nix.program, "key", "convert-secret-to-public"],
        input=secret.read_text(),
        env=project.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return secret, done.stdout.strip()


def cached(project: Project, attribute: str, *, sign: Path | None = None) -> str:
    """A new binary cache with one attribute in it, built now."""
    url = f"file://{project.nix.home}/cache-of-others"
    secret = f"?secret-key={sign}" if sign else ""
    project.nix("copy", "--to", url + secret, f"path:{project.root}#{attribute}")
    return url


def trusting(public: str) -> dict[str, str]:
    return {"NIX_CONFIG": f"trusted-public-keys = {public}"}


def rebuilt(project: Project, attribute: str) -> None:
    """Delete what the store has and build it anew, in a later second."""
    before = json.loads(project.nix("path-info", "--json", f"path:{project.root}#{attribute}"))
    old = next(iter(before.values()))["narHash"] if isinstance(before, dict) else before[0]["narHash"]
    new = old
    while new == old:
        project.nix("store", "delete", "--ignore-liveness", str(project.path(attribute)))
        project.nix("build", "--no-link", f"path:{project.root}#{attribute}")
        after = json.loads(project.nix("path-info", "--json", f"path:{project.root}#{attribute}"))
        new = next(iter(after.values()))["narHash"] if isinstance(after, dict) else after[0]["narHash"]


def test_a_signed_cache_with_the_same_is_reproducible(project: Project) -> None:
    """What a trusted key signed and what was built here are the same: exit 0."""
    project.attributes(det=PLAIN)
    project.nix("build", "--no-link", f"path:{project.root}#det")
    secret, public = keys(project, "others-1")
    url = cached(project, "det", sign=secret)
    said = project.repro("#det", "--against", url, "--json", extra=trusting(public))
    assert (said.code, comparison(said)["outcome"]) == (0, "reproducible"), said.err + said.out
    folder = url.removeprefix("file://")
    assert project.repro("#det", "--against", folder, extra=trusting(public)).code == 0


def test_a_signed_cache_with_another_build_differs(project: Project) -> None:
    """What differs from a cache is compared file by file, with the reason."""
    project.attributes(dated=DATED)
    project.nix("build", "--no-link", f"path:{project.root}#dated")
    secret, public = keys(project, "others-1")
    url = cached(project, "dated", sign=secret)
    rebuilt(project, "dated")
    said = project.repro("#dated", "--against", url, "--json", extra=trusting(public))
    assert said.code == 1, said.err + said.out
    (difference,) = comparison(said)["differences"]
    assert (difference["path"], difference["kind"]) == ("stamp", "timestamp")


def test_an_unsigned_path_is_not_measured(project: Project) -> None:
    """What nobody signed proves nothing, even where it is the same."""
    project.attributes(det=PLAIN)
    project.nix("build", "--no-link", f"path:{project.root}#det")
    said = project.repro("#det", "--against", cached(project, "det"), "--json")
    assert said.code == 3, said.out
    assert "not signed" in comparison(said)["reason"]


def test_a_path_signed_by_a_foreign_key_is_not_measured(project: Project) -> None:
    """A signature by a key that is not trusted is named, and proves nothing."""
    project.attributes(det=PLAIN)
    project.nix("build", "--no-link", f"path:{project.root}#det")
    secret, _ = keys(project, "stranger-1")
    _, trusted = keys(project, "others-1")
    url = cached(project, "det", sign=secret)
    said = project.repro("#det", "--against", url, "--json", extra=trusting(trusted))
    assert said.code == 3
    assert "signed by stranger-1" in comparison(said)["reason"]


def test_a_path_that_the_cache_has_not(project: Project) -> None:
    """A cache without the path, and a cache that does not exist, are not measured."""
    project.attributes(det=PLAIN, other="echo > $out")
    project.nix("build", "--no-link", f"path:{project.root}#other")
    url = cached(project, "other")
    said = project.repro("#det", "--against", url, "--json")
    assert (said.code, comparison(said)["reason"]) == (3, "it has no such path")
    assert project.repro("#det", "--against", "http://127.0.0.1:9/", "--json").code == 3


def test_what_came_from_a_cache_is_not_compared_with_it(project: Project) -> None:
    """A result that was fetched is no build of this machine, so nothing is measured without --rebuild."""
    project.attributes(det=PLAIN)
    project.nix("build", "--no-link", f"path:{project.root}#det")
    secret, public = keys(project, "others-1")
    url = cached(project, "det", sign=secret)
    project.nix("store", "delete", "--ignore-liveness", str(project.path("det")))
    extra = {"NIX_CONFIG": f"trusted-public-keys = {public}\nsubstituters = {url}"}
    said = project.repro("#det", "--against", url, "--json", extra=extra)
    assert said.code == 3, said.out
    assert "--rebuild 1" in comparison(said)["reason"]
    assert said.document["derivations"][0]["origin"] == "fetched from a cache"
    again = project.repro("#det", "--against", url, "--rebuild", "1", "--json", extra=extra)
    assert again.code == 0, again.out


def test_the_hashes_of_another_machine(project: Project, tmp_path: Path) -> None:
    """What --json printed is enough to compare with: the same, another, and none at all."""
    project.attributes(det=PLAIN, other="echo > $out")
    published = tmp_path / "published.json"
    published.write_text(project.repro("#det", "--rebuild", "0", "--json").out)
    said = project.repro("#det", "--against", str(published), "--json")
    assert (said.code, comparison(said)["outcome"]) == (0, "reproducible"), said.err
    assert (
        comparison(project.repro("#other", "--against", str(published), "--json"))["outcome"]
        == "not measured"
    )
    document = json.loads(published.read_bytes())
    output = document["derivations"][0]["outputs"][0]
    output["nar_hash"] = "sha256-" + "A" * 43 + "="
    published.write_text(json.dumps(document))
    assert project.repro("#det", "--against", str(published)).code == 1
    project.attributes(det=PLAIN + " # another recipe")
    said = project.repro("#det", "--against", str(published), "--json")
    assert said.code == 3
    assert "another derivation of that name" in comparison(said)["reason"]


def test_a_file_that_publishes_nothing(project: Project, tmp_path: Path) -> None:
    """A file that is not what --json prints is unparsable, exit 1; what is no file and no store, exit 2."""
    project.attributes(det=PLAIN)
    (tmp_path / "x.json").write_text("[]")
    assert project.repro("#det", "--against", str(tmp_path / "x.json")).code == 1
    assert project.repro("#det", "--against", str(tmp_path / "none.json")).code == 2


def test_a_token_in_a_store_is_never_shown(project: Project) -> None:
    """Credentials in the URL of a store stay out of text and document."""
    project.attributes(det=PLAIN)
    url = "http://user:tok-never-seen@127.0.0.1:9/"
    for flags in ((), ("--json",)):
        said = project.repro("#det", "--against", url, *flags)
        assert said.code == 3
        assert "tok-never-seen" not in said.out + said.err
