"""`repro cache` with a real Nix: push, check, realise elsewhere, and keys that stay in their file."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.nix.conftest import CONFIGURATION

from repro.core.errors import UsageError
from repro.flows.cache import url_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.nix.conftest import Nix

GROUP = pytest.mark.xdist_group("nix-builds")

FLAKE = """{
  inputs.nixpkgs.url = "path:TOOLCHAIN";
  outputs =
    { self, nixpkgs }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
      base = pkgs.runCommand "base" { } "echo base > $out";
      note = pkgs.runCommand "note-VERSION" { inherit base; } "mkdir $out; echo $base > $out/note";
    in
    {
      packages.x86_64-linux.default = note;
      devShells.x86_64-linux.default = pkgs.mkShell { packages = [ pkgs.python3 note ]; shellHook = ""; };
    };
}
"""

PROJECT = """\
version = 1

[environments.shell]
kind = "nix"

[experiments.one]
command = ["python3", "-c", "import sys; open(sys.argv[1] + '/one.json', 'w').write('1')", "{out}"]
environment = "shell"
sources = ["repro.toml.txt"]
outputs = ["one.json"]
"""

WATCH = """#!/bin/sh
printf '%s\\n' "$@" >> {log}
env >> {log}
exec {nix} "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a call came to."""

    code: int
    out: str
    err: str

    @property
    def targets(self) -> list[dict[str, Any]]:
        """The targets that --json printed."""
        found: list[dict[str, Any]] = json.loads(self.out)["targets"]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A project with a flake, an empty place for a cache, and a key."""

    root: Path
    nix: Nix
    toolchain: Path

    @property
    def cache(self) -> Path:
        """Where the cache is to be."""
        return self.root.parent / "cache"

    @property
    def url(self) -> str:
        """The cache, filled without the time that compressing takes."""
        return f"file://{self.cache}?compression=none"

    @property
    def key(self) -> Path:
        """The file with the secret key."""
        return self.root.parent / "key"

    @property
    def public(self) -> str:
        """The public key."""
        return (self.root.parent / "key.pub").read_text().strip()

    @property
    def environment(self) -> dict[str, str]:
        """The caller's variables; every folder that is written lies below the test's own."""
        return {
            **self.nix.environment,
            "REPRO_NIX": str(self.nix.program),
            "REPRO_CACHE_DIR": str(self.root.parent / "repro"),
            "REPRO_CACHE_KEY_FILE": str(self.key),
            "NIX_CONFIG": f"trusted-public-keys = {self.public}",
            "GIT_CONFIG_GLOBAL": "/dev/null",
        }

    def repro(self, *arguments: str | Path, extra: Mapping[str, str] | None = None) -> Said:
        """Run `repro` in the project."""
        done = subprocess.run(
            [sys.executable, "-m", "repro", *map(str, arguments)],
            cwd=self.root,
            env=self.environment | dict(extra or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        return Said(code=done.returncode, out=done.stdout, err=done.stderr)

    def version(self, version: str) -> str:
        """Write the flake in another version and commit it; returns the commit."""
        flake = FLAKE.replace("TOOLCHAIN", str(self.toolchain)).replace("VERSION", version)
        (self.root / "flake.nix").write_text(flake)
        self.git("add", "-A")
        self.git("commit", "--quiet", "--allow-empty", "-m", version)
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        """Run git here, as somebody."""
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        done = subprocess.run(
            ["git", *who, *arguments], cwd=self.root, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


@pytest.fixture
def shop(nix: Nix, toolchain: Path, tmp_path: Path) -> Shop:
    """The project, committed and locked; nothing is built, and the cache is not there."""
    made = Shop(root=tmp_path / "project", nix=nix, toolchain=toolchain)
    made.root.mkdir()
    (made.root / "repro.toml").write_text(PROJECT)
    (made.root / "repro.toml.txt").write_text("the code\n")
    (made.root / ".gitignore").write_text(".repro\n")
    made.key.write_text(nix("key", "generate-secret", "--key-name", "test-1"))
    made.key.chmod(0o600)
    public = subprocess.run(
        [nix.program, "key", "convert-secret-to-public"],
        input=made.key.read_text(),
        env=nix.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    (tmp_path / "key.pub").write_text(public.stdout)
    made.git("init", "--quiet")
    made.version("1.0")
    nix("flake", "lock", "--offline", f"path:{made.root}")
    made.version("1.0")
    return made


@pytest.mark.nix
@GROUP
def test_what_is_pushed_can_be_realised_elsewhere(shop: Shop, tmp_path: Path) -> None:
    """From the cache alone an empty store gets the whole shell: signatures demanded, nothing built."""
    pushed = shop.repro("cache", "push", shop.url, "--json")
    assert pushed.code == 0, pushed.err
    (target,) = pushed.targets
    assert (target["status"], target["missing"], target["untrusted"]) == ("pass", [], [])
    other = tmp_path / "other"
    for name in ("etc", "user", "tmp", "var"):
        (other / name).mkdir(parents=True)
    (other / "etc" / "nix.conf").write_text(
        CONFIGURATION.replace("substituters =", f"substituters = file://{shop.cache}")
        + f"require-sigs = true\ntrusted-public-keys = {shop.public}\n"
    )
    # A second store with the same names: the paths of the first are this test's store folder.
    store = f"local?root={other}/root&store={shop.nix.store}"
    environment = shop.nix.environment | {"NIX_CONF_DIR": str(other / "etc")}
    paths = json.loads(pushed.out)["copied"]
    done = subprocess.run(
        [shop.nix.program, "build", "--no-link", "--max-jobs", "0", "--store", store, *paths],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    got = {path.name for path in (other / "root" / "nix" / "store").iterdir()}
    assert {Path(path).name for path in paths} <= got


@pytest.mark.nix
@GROUP
def test_what_is_missing_is_told(shop: Shop) -> None:
    """A path that the cache lost is named, also one deep in the closure, and a push brings it back."""
    assert shop.repro("cache", "push", shop.url).code == 0
    (lost,) = (
        file
        for file in shop.cache.glob("*.narinfo")
        if re.search(r"^StorePath: .*-base$", file.read_text(), re.MULTILINE)
    )
    lost.unlink()
    answer = shop.repro("cache", "check", shop.cache, "--json")
    (target,) = answer.targets
    assert (answer.code, target["status"], target["missing_but_here"]) == (1, "fail", 1)
    assert [path.rpartition("-")[2] for path in target["missing"]] == ["base"]
    said = shop.repro("cache", "check", shop.cache)
    assert "cannot be realised" in said.out
    assert "repro cache push" in said.out
    assert shop.repro("cache", "push", shop.url).code == 0
    assert shop.repro("cache", "check", shop.cache).code == 0


@pytest.mark.nix
@GROUP
def test_an_old_revision_is_looked_for_as_it_was(shop: Shop) -> None:
    """`--at` asks for the shell of that revision; what was pushed then is not enough for a later one."""
    old = shop.git("rev-parse", "HEAD")
    assert shop.repro("cache", "push", shop.url).code == 0
    shop.version("2.0")
    now = shop.repro("cache", "check", shop.cache, "--json")
    assert (now.code, [path.rpartition("-note-")[2] for path in now.targets[0]["missing"]]) == (1, ["2.0"])
    assert now.targets[0]["missing_but_here"] == 0
    assert shop.repro("cache", "check", shop.cache, "--at", old).code == 0


@pytest.mark.nix
@GROUP
def test_a_foreign_signature_is_not_trusted(shop: Shop) -> None:
    """Paths signed by a key that the caller does not trust count as wrong, and the hint says what to add."""
    assert shop.repro("cache", "push", shop.url).code == 0
    answer = shop.repro("cache", "check", shop.cache, extra={"NIX_CONFIG": "trusted-public-keys ="})
    assert answer.code == 1
    assert "not trusted" in answer.out
    assert "trusted-public-keys" in answer.out


@pytest.mark.nix
@GROUP
def test_the_key_is_in_no_argument_variable_or_text(shop: Shop, tmp_path: Path) -> None:
    """A push leaves the secret in no argument or variable of Nix, no output, and no file but its own."""
    log, watch = tmp_path / "calls", tmp_path / "nix"
    watch.write_text(WATCH.format(log=log, nix=shop.nix.program))
    watch.chmod(0o755)
    answer = shop.repro("-v", "cache", "push", shop.url, "--json", extra={"REPRO_NIX": str(watch)})
    assert answer.code == 0, answer.err
    secret = shop.key.read_text().strip().partition(":")[2]
    calls = log.read_text()
    assert "\nsign\n" in calls
    for text in (calls, answer.out, answer.err):
        assert secret not in text
    written = [path for top in (shop.root, shop.cache, tmp_path / "repro") for path in top.rglob("*")]
    assert not [path for path in written if path.is_file() and secret.encode() in path.read_bytes()]


@pytest.mark.nix
@GROUP
def test_an_installable_is_a_target_too(shop: Shop) -> None:
    """Named installables are pushed and checked in place of the environments."""
    assert shop.repro("cache", "push", shop.url, ".#default").code == 0
    answer = shop.repro("cache", "check", shop.cache, ".#default", "--json")
    assert (answer.code, [target["name"] for target in answer.targets]) == (0, ["note-1.0"])
    assert shop.repro("cache", "check", shop.cache).code == 1


@pytest.mark.nix
@GROUP
@pytest.mark.parametrize(
    ("arguments", "extra", "code", "said"),
    [
        (["check", "nowhere"], {}, 3, "there is no binary cache"),
        (["push", "c"], {"REPRO_CACHE_KEY_FILE": ""}, 2, "does not name the file"),
        (["push", "c"], {"REPRO_CACHE_KEY_FILE": "/nowhere"}, 2, "is no file"),
        (["push", "https://cache.example.org"], {}, 2, "read only"),
        (["check", "c"], {"REPRO_NIX": "/nowhere/nix"}, 3, "not found"),
        (["check", "c", ".#nothing"], {}, 2, "nothing"),
    ],
)
def test_what_stands_in_the_way_is_said(
    shop: Shop, arguments: list[str], extra: dict[str, str], code: int, said: str
) -> None:
    """Each obstacle has its exit code and its words; asking for a cache never makes one."""
    answer = shop.repro("cache", *arguments, extra=extra)
    assert (answer.code, answer.out) == (code, "")
    assert said in answer.err
    assert not (shop.root / "nowhere").exists()


@pytest.mark.nix
@GROUP
def test_a_key_that_others_can_read_is_refused(shop: Shop) -> None:
    """A secret key is used only while its owner alone can read it."""
    shop.key.chmod(0o640)
    answer = shop.repro("cache", "push", shop.url)
    assert (answer.code, f"chmod 600 {shop.key}" in answer.err) == (2, True)
    assert stat.S_IMODE(os.stat(shop.key).st_mode) == 0o640  # noqa: PTH116
    assert not shop.cache.exists()


@pytest.mark.nix
@GROUP
def test_nothing_to_ask_for_is_no_success(shop: Shop) -> None:
    """A project without an environment of kind nix has nothing to check: exit 3."""
    text = (shop.root / "repro.toml").read_text()
    (shop.root / "repro.toml").write_text(text.replace('"nix"', '"host"'))
    shutil.copytree(shop.root, shop.cache)
    assert shop.repro("cache", "check", shop.cache).code == 3


@pytest.mark.parametrize(
    "url",
    [
        "https://user:word@cache.example.org",
        "https://token@cache.example.org",
        "s3://bucket?secret-key=/k",
        "https://cache.example.org/?token=abc",
    ],
)
def test_an_address_with_a_credential_is_refused(url: str) -> None:
    """A credential in the address would stand in arguments, so it is refused, and never repeated."""
    with pytest.raises(UsageError) as error:
        url_of(url, Path("/"))
    for secret in ("word", "token@", "abc", "/k"):
        assert secret not in error.value.message


def test_a_folder_is_a_cache_too(tmp_path: Path) -> None:
    """A path without a scheme is a folder below the working folder; unknown schemes are refused."""
    assert url_of("c", tmp_path) == f"file://{tmp_path.resolve()}/c"
    assert url_of("s3://bucket?region=eu", tmp_path) == "s3://bucket?region=eu"
    with pytest.raises(UsageError):
        url_of("ftp://host/c", tmp_path)
