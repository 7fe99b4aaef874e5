"""The scripts that the workflows call, run for real; what needs a cloud is named in test_steps."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.workflows.documents import read
from tests.workflows.shells import on_macos

from repro.core.digest import of_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(
    not Path("/usr/bin/env").exists(),
    reason="no /usr/bin/env here, as inside of a Nix build: scripts begin with it",
)

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / ".github" / "scripts"
MACOS = {
    path.rpartition("/")[2]
    for tree in [read(ROOT)]
    for texts in on_macos(tree).values()
    for path in tree.texts
    if any(path.rpartition("/")[2] in shell for shell in texts)
}
"""The scripts that run on macOS too; the others may need what it has not, and are tested on Linux."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a script said, and its exit code; `outputs` is what it wrote for later steps."""

    code: int
    out: str
    err: str
    outputs: str


def script(folder: Path, name: str, *arguments: str, **variables: str) -> Answer:
    """Call a script as a step does."""
    if sys.platform == "darwin" and name not in MACOS:
        pytest.skip(f"{name} runs on Ubuntu only")
    outputs = folder / "GITHUB_OUTPUT"
    outputs.touch()
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "GITHUB_OUTPUT": str(outputs),
        "GITHUB_STEP_SUMMARY": str(folder / "SUMMARY"),
        **variables,
    }
    done = subprocess.run(
        [str(SCRIPTS / name), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return Answer(code=done.returncode, out=done.stdout, err=done.stderr, outputs=outputs.read_text())


def layout(folder: Path, layer: bytes = b"layer") -> str:
    """An OCI layout with one layer; gives back the digest of its manifest."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(data: bytes) -> dict[str, object]:
        digest = of_bytes(data)
        (blobs / digest.hex).write_bytes(data)
        return {"digest": str(digest), "size": len(data)}

    manifest = {"schemaVersion": 2, "config": blob(b"{}"), "layers": [blob(layer)]}
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    named = blob(json.dumps(manifest).encode())
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))
    return str(named["digest"])


def test_digest_names_the_manifest(tmp_path: Path) -> None:
    """The digest of a layout is that of its manifest, and another one that is asked for is exit 1."""
    digest = layout(tmp_path / "image")
    assert script(tmp_path, "digest.sh", "image").out == f"{digest}\n"
    assert script(tmp_path, "digest.sh", "image", digest).code == 0
    assert script(tmp_path, "digest.sh", "image", "sha256:" + "0" * 64).code == 1
    assert script(tmp_path, "digest.sh", "image", "").code == 1


def test_digest_refuses_altered_layouts(tmp_path: Path) -> None:
    """A layer that was altered, a manifest that is gone, several manifests and none are refused."""
    digest = layout(tmp_path / "image").removeprefix("sha256:")
    blobs = tmp_path / "image" / "blobs" / "sha256"
    layer = blobs / of_bytes(b"layer").hex
    layer.write_bytes(b"other")
    assert "is not what its name says" in script(tmp_path, "digest.sh", "image").err
    layer.write_bytes(b"layer")
    (blobs / digest).rename(tmp_path / "kept")
    assert "is not there" in script(tmp_path, "digest.sh", "image").err
    (tmp_path / "kept").rename(blobs / digest)
    index = tmp_path / "image" / "index.json"
    whole = json.loads(index.read_text())
    for count in (0, 2):
        index.write_text(json.dumps({**whole, "manifests": whole["manifests"] * count}))
        assert script(tmp_path, "digest.sh", "image").code == 1


def docker_archive(path: Path) -> None:
    """What `docker save` writes, of one layer."""
    layer = BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        member = tarfile.TarInfo("hello")
        member.size = 5
        tar.addfile(member, BytesIO(b"hello"))
    diff = str(of_bytes(layer.getvalue()))
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [diff]},
        }
    ).encode()
    name = f"{of_bytes(config).hex}.json"
    manifest = json.dumps([{"Config": name, "RepoTags": ["demo:1"], "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(path, "w") as tar:
        for each, data in ((name, config), ("layer.tar", layer.getvalue()), ("manifest.json", manifest)):
            member = tarfile.TarInfo(each)
            member.size = len(data)
            tar.addfile(member, BytesIO(data))


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    """A program that writes a docker archive, as `nix build .#docker` makes one."""
    if shutil.which("skopeo") is None:
        pytest.skip("no skopeo here: build.yml takes that of nixpkgs")
    docker_archive(tmp_path / "archive.tar")
    program = tmp_path / "stream"
    program.write_text(f"#!/bin/sh\ncat {tmp_path}/archive.tar\n")
    program.chmod(0o755)
    return program


def test_a_stream_becomes_one_layout(stream: Path, tmp_path: Path) -> None:
    """Two conversions of a stream have one digest, which is the step's output."""
    done = script(tmp_path, "layout.sh", "./stream", "image")
    assert done.code == 0, done.err
    digest = done.out.strip()
    assert done.outputs == f"digest={digest}\n"
    assert script(tmp_path, "digest.sh", "image", digest).code == 0
    again = script(tmp_path, "layout.sh", "./stream", "again")
    assert again.out == done.out


def test_a_stream_that_fails_makes_no_layout(stream: Path, tmp_path: Path) -> None:
    """A stream that ends early, or with an exit code, leaves no layout and no digest."""
    stream.write_text("#!/bin/sh\nhead -c 1000 archive.tar\nexit 1\n")
    done = script(tmp_path, "layout.sh", "./stream", "image")
    assert done.code != 0
    assert done.outputs == ""
    assert not (tmp_path / "image").exists()


def test_a_layout_is_pushed_unchanged(stream: Path, tmp_path: Path) -> None:
    """What is pushed has the digest that was verified; a name without a digest or with another is refused."""
    digest = script(tmp_path, "layout.sh", "./stream", "image").out.strip()
    assert script(tmp_path, "push.sh", "image", "127.0.0.1:1/lab:latest").code == 2
    assert script(tmp_path, "push.sh", "image", "127.0.0.1:1/lab@sha256:" + "0" * 64).code == 1
    unreachable = script(tmp_path, "push.sh", "image", f"127.0.0.1:1/lab@{digest}")
    assert unreachable.code != 0
    assert unreachable.out == ""


def test_sums_name_every_file(tmp_path: Path) -> None:
    """SHA256SUMS holds every file once, sorted, itself not; an empty folder is exit 3."""
    folder = tmp_path / "dist"
    folder.mkdir()
    assert script(tmp_path, "sums.sh", "dist").code == 3
    for name in ("b", "a", "C"):
        (folder / name).write_text(name)
    assert script(tmp_path, "sums.sh", "dist").code == 0
    assert script(tmp_path, "sums.sh", "dist").code == 0
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    assert [line.split()[1] for line in lines] == ["C", "a", "b"]


WHEEL_SBOM = {"bomFormat": "CycloneDX", "components": [{"name": "x"}]}
IMAGE_SBOM = {"bomFormat": "CycloneDX", "components": [{"name": "layer"}]}


def attested(path: Path, digest: str, sbom: object) -> None:
    """A bundle as the attest job keeps it, as far as the comparison reads it."""
    statement = {"subject": [{"name": "a", "digest": {"sha256": digest.removeprefix("sha256:")}}]}
    payload = b64encode(json.dumps({**statement, "predicate": sbom}).encode()).decode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"dsseEnvelope": {"payload": payload}}))


def release(folder: Path) -> str:
    """What the verify job has downloaded; gives back the image's digest."""
    place = folder / "release"
    for name, data in {
        "dist/x.whl": "wheel",
        "dist/sbom.cdx.json": json.dumps(WHEEL_SBOM, indent=2),
        "image-sbom/sbom.cdx.json": json.dumps(IMAGE_SBOM, indent=2),
    }.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(data)
    script(folder, "sums.sh", "release/dist")
    digest = layout(place / "image")
    attested(place / "bundles/dist-sbom.sigstore.json", str(of_bytes(b"wheel")), WHEEL_SBOM)
    attested(place / "bundles/image-sbom.sigstore.json", digest, IMAGE_SBOM)
    return digest


def test_verified_names_both_digests(tmp_path: Path) -> None:
    """The verify job's outputs are the digest of the image that was built and that of SHA256SUMS."""
    digest = release(tmp_path)
    done = script(tmp_path, "verified.sh", "release", digest)
    sums = of_bytes((tmp_path / "release/dist/SHA256SUMS").read_bytes()).hex
    assert done.code == 0, done.err
    listed = "".join(
        f"{of_bytes((tmp_path / 'release' / name).read_bytes()).hex}  {name}\n"
        for name in (
            "image-sbom/sbom.cdx.json",
            "bundles/dist-sbom.sigstore.json",
            "bundles/image-sbom.sigstore.json",
        )
    )
    evidence = of_bytes(listed.encode()).hex
    assert done.outputs == f"sums-sha256={sums}\nimage-digest={digest}\nevidence-sha256={evidence}\n"


def test_verified_refuses_what_was_not_built(tmp_path: Path) -> None:
    """Another image, an altered file and an absent digest give no output."""
    digest = release(tmp_path)
    assert script(tmp_path, "verified.sh", "release", "sha256:" + "1" * 64).code == 1
    assert script(tmp_path, "verified.sh", "release", "").code == 3
    (tmp_path / "release/dist/x.whl").write_text("other")
    refused = script(tmp_path, "verified.sh", "release", digest)
    assert (refused.code, refused.outputs) == (1, "")


@pytest.mark.parametrize(
    ("file", "sbom", "said"),
    [
        ("image-sbom/sbom.cdx.json", {**IMAGE_SBOM, "components": []}, "is not the SBOM that was attested"),
        ("dist/sbom.cdx.json", IMAGE_SBOM, "is not the SBOM that was attested"),
    ],
    ids=["image", "wheel"],
)
def test_an_sbom_that_was_not_attested_is_refused(tmp_path: Path, file: str, sbom: object, said: str) -> None:
    """An SBOM beside the release with other content than the signed one is exit 1, both digests named."""
    digest = release(tmp_path)
    (tmp_path / "release" / file).write_text(json.dumps(sbom))
    script(tmp_path, "sums.sh", "release/dist")
    done = script(tmp_path, "verified.sh", "release", digest)
    assert (done.code, done.outputs) == (1, "")
    assert said in done.err
    assert done.err.count("sha256:") == 2


def test_numbers_may_be_written_otherwise(tmp_path: Path) -> None:
    """What JavaScript makes of the same document, 1 for 1.0 and other spaces and order, is the same SBOM."""
    digest = release(tmp_path)
    sbom = tmp_path / "release/image-sbom/sbom.cdx.json"
    sbom.write_text('{"b": [1.0, 0.5, 1e2], "a": {"d": 1, "c": "\\u00e9"}}')
    bundle = tmp_path / "release/bundles/image-sbom.sigstore.json"
    attested(bundle, digest, {"a": {"c": "\u00e9", "d": 1}, "b": [1, 0.5, 100]})
    assert script(tmp_path, "verified.sh", "release", digest).code == 0
    attested(bundle, digest, {"a": {"c": "\u00e9", "d": 1}, "b": [1, 0.25, 100]})
    assert script(tmp_path, "verified.sh", "release", digest).code == 1


def test_a_bundle_of_another_artifact_is_no_evidence(tmp_path: Path) -> None:
    """The right SBOM in a statement about something else is exit 1; so is no bundle, or one that is cut."""
    digest = release(tmp_path)
    bundle = tmp_path / "release/bundles/image-sbom.sigstore.json"
    attested(bundle, str(of_bytes(b"other")), IMAGE_SBOM)
    done = script(tmp_path, "verified.sh", "release", digest)
    assert (done.code, done.outputs) == (1, "")
    assert f"says nothing of {digest}" in done.err
    bundle.write_text('{"dsseEnvelope": ')
    assert script(tmp_path, "verified.sh", "release", digest).code == 1
    bundle.unlink()
    assert script(tmp_path, "verified.sh", "release", digest).code == 1


def facts(folder: Path, **files: str) -> list[str]:
    for name, text in files.items():
        (folder / name).write_text(text)
    return list(files)


def test_compare_wants_the_same_everywhere(tmp_path: Path) -> None:
    """Equal facts pass; another value, a fact that too few say, too few files and none at all do not."""
    same = "image sha256:a\nx.whl sha256:b\n"
    assert script(tmp_path, "compare.sh", "2", *facts(tmp_path, a=same, b=same)).code == 0
    other = same.replace("sha256:b", "sha256:c")
    differs = script(tmp_path, "compare.sh", "2", *facts(tmp_path, a=same, b=same, c=other))
    assert differs.code == 1
    assert "x.whl differs: sha256:b, and sha256:c in c" in differs.err
    assert script(tmp_path, "compare.sh", "2", *facts(tmp_path, a=same, b="image sha256:a\n")).code == 3
    assert script(tmp_path, "compare.sh", "2", *facts(tmp_path, a=same)).code == 3
    assert script(tmp_path, "compare.sh", "2", *facts(tmp_path, a="", b="")).code == 3
    assert script(tmp_path, "compare.sh", "2", *facts(tmp_path, a="<html>\n", b="<html>\n")).code == 1
    assert script(tmp_path, "compare.sh", "2").code == 3


def test_facts_are_hashes(tmp_path: Path) -> None:
    """Files are named by SHA-256 and a layout by its manifest; no wheel, or nothing at all, is no fact."""
    digest = layout(tmp_path / "image")
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "x.whl").write_text("wheel")
    assert script(tmp_path, "facts.sh", "dist", "out.txt").code != 0
    (dist / "x.tar.gz").write_text("sdist")
    done = script(tmp_path, "facts.sh", "dist", "image", "out.txt")
    assert done.code == 0, done.err
    wheel, sdist = of_bytes(b"wheel"), of_bytes(b"sdist")
    assert (tmp_path / "out.txt").read_text() == f"x.whl {wheel}\nx.tar.gz {sdist}\nimage {digest}\n"
    assert script(tmp_path, "facts.sh", "none.txt").code == 3


def test_required_names_what_is_missing(tmp_path: Path) -> None:
    """A variable that is not set or empty is exit 1 and is named; no value is ever shown."""
    done = script(tmp_path, "required.sh", "ONE", "TWO", "THREE", ONE="hidden", TWO="")
    assert done.code == 1
    assert done.err == "required: not set: TWO THREE\n"
    assert script(tmp_path, "required.sh", "ONE", ONE="hidden").code == 0
    assert script(tmp_path, "required.sh").code == 2


@pytest.fixture
def served() -> Iterator[tuple[str, list[int]]]:
    """A server on loopback, and the statuses that it will answer with."""
    statuses: list[int] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404 if self.path == "/gone" else statuses.pop(0) if statuses else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """Say nothing."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", statuses
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_health_waits_and_gives_up(served: tuple[str, list[int]], tmp_path: Path) -> None:
    """A service that answers in time is healthy; one that only fails is not, and exit 1 rolls it back."""
    url, statuses = served
    statuses += [503, 503]
    assert script(tmp_path, "health.sh", url, HEALTH_TRIES="3", HEALTH_PAUSE="0").code == 0
    statuses += [500, 500]
    assert script(tmp_path, "health.sh", url, HEALTH_TRIES="2", HEALTH_PAUSE="0").code == 1


GCLOUD = """#!/bin/sh
echo "$*" >> "$HOME/calls"
case "$*" in
  *"services list"*) echo "$SERVING" ;;
  *"spec.containers"*) echo "$RUNS" ;;
  *status.url*) echo "$URL" ;;
esac
"""
"""Stands for the cloud, which no test has: it writes down what it is told and answers from variables."""


def stand_in(folder: Path, name: str, text: str) -> None:
    """A program of that name, first on the path `bin`."""
    program = folder / "bin" / name
    program.parent.mkdir()
    program.write_text(text)
    program.chmod(0o755)


def serving(*revisions: str) -> str:
    """What the cloud says of a service whose traffic goes to these; an old one has a name and none."""
    traffic = [{"revisionName": name, "percent": 100 // len(revisions)} for name in revisions]
    return json.dumps([{"status": {"traffic": [*traffic, {"revisionName": "lab-0", "tag": "old"}]}}])


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_a_deployment_is_looked_at_and_rolled_back(served: tuple[str, list[int]], tmp_path: Path) -> None:
    """The revision that serves must run the digest and answer; a roll-back sends traffic to the old one."""
    stand_in(tmp_path, "gcloud", GCLOUD)
    variables = {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "SERVICE": "lab",
        "REGION": "here",
        "IMAGE": "lab/repro",
        "DIGEST": "sha256:a",
        "RUNS": "lab/repro@sha256:a",
        "URL": served[0].rstrip("/"),
        "SERVING": serving("lab-1"),
        "HEALTH_TRIES": "1",
    }
    assert script(tmp_path, "cloud-run.sh", "serving", **variables).outputs == "revision=lab-1\n"
    assert script(tmp_path, "cloud-run.sh", "switch", **variables).code == 0
    assert "services update-traffic lab --to-latest --region here" in (tmp_path / "calls").read_text()
    assert script(tmp_path, "cloud-run.sh", "healthy", **variables).code == 0
    served[1].append(500)
    assert script(tmp_path, "cloud-run.sh", "healthy", **variables).code == 1
    assert script(tmp_path, "cloud-run.sh", "healthy", HEALTH_PATH="gone", **variables).code == 1
    other = variables | {"RUNS": "lab/repro:latest"}
    assert "runs lab/repro:latest" in script(tmp_path, "cloud-run.sh", "healthy", **other).err
    assert script(tmp_path, "cloud-run.sh", "rollback", "lab-1", **variables).code == 0
    assert (
        "services update-traffic lab --to-revisions lab-1=100 --region here"
        in (tmp_path / "calls").read_text()
    )
    assert script(tmp_path, "cloud-run.sh", "rollback", "", **variables).code == 1
    assert "revisions describe lab-1" in (tmp_path / "calls").read_text()


def test_split_traffic_is_not_deployed_over(tmp_path: Path) -> None:
    """Before a deployment one revision has the traffic, or there is none yet; two are a failure."""
    stand_in(tmp_path, "gcloud", GCLOUD)
    variables = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "SERVICE": "lab", "REGION": "here"}
    both = serving("lab-1", "lab-2")
    assert (
        "split between lab-1, lab-2"
        in script(tmp_path, "cloud-run.sh", "serving", SERVING=both, **variables).err
    )
    done = script(tmp_path, "cloud-run.sh", "serving", SERVING="[]", **variables)
    assert (done.code, done.outputs) == (0, "revision=\n")
    assert script(tmp_path, "cloud-run.sh", "serving", SERVING="", **variables).code == 1


def test_the_owner_is_filled_in_before_a_release(tmp_path: Path) -> None:
    """The committed policy, which stands for OWNER, is refused in words; one of the repository is taken."""
    policy = (ROOT / "policy.toml").read_text()
    (tmp_path / "policy.toml").write_text(policy)
    done = script(tmp_path, "owner.sh", "policy.toml", "lab/repro-toolchain")
    assert done.code == 1
    assert (
        "trusts OWNER/repro-toolchain, and this is lab/repro-toolchain: write lab/repro-toolchain" in done.err
    )
    (tmp_path / "policy.toml").write_text(policy.replace("OWNER", "lab"))
    assert script(tmp_path, "owner.sh", "policy.toml", "lab/repro-toolchain").code == 0
    (tmp_path / "policy.toml").write_text(policy.replace("OWNER", "lab").replace("/lab/", "/other/", 1))
    assert script(tmp_path, "owner.sh", "policy.toml", "lab/repro-toolchain").code == 1
    (tmp_path / "policy.toml").write_text("version = 1\n")
    assert "no repository" in script(tmp_path, "owner.sh", "policy.toml", "lab/repro-toolchain").err
    assert script(tmp_path, "owner.sh", "none.toml", "lab/repro-toolchain").code == 1


@pytest.mark.parametrize(
    ("failing", "code"), [("none", 0), ("metadata", 1), ("archive", 3), ("check", 1)], ids=str
)
def test_a_flake_that_cannot_be_fetched_is_not_checked(tmp_path: Path, failing: str, code: int) -> None:
    """A flake that cannot be read or does not pass is a failure; one whose inputs are not to be had is 3."""
    stand_in(tmp_path, "nix", f'#!/bin/sh\n[ "$2" != {failing} ]\n')
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    assert script(tmp_path, "flake.sh", PATH=path).code == code


@pytest.mark.skipif(sys.platform != "linux", reason="there is nothing to prepare elsewhere")
@pytest.mark.parametrize(
    ("runner", "changed"), [("github-hosted", True), ("self-hosted", False), ("", False)]
)
def test_only_a_hosted_runner_is_changed(tmp_path: Path, runner: str, changed: bool) -> None:  # noqa: FBT001
    """Packages and kernel settings are changed on GitHub's own machines, and on no other."""
    stand_in(tmp_path, "sudo", '#!/bin/sh\necho "$*" >> "$HOME/calls"\n')
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    done = script(tmp_path, "isolation.sh", PATH=path, RUNNER_ENVIRONMENT=runner, GITHUB_ACTIONS="true")
    assert done.code == 0
    assert (tmp_path / "calls").exists() is changed


def fake_repro(folder: Path, text: str) -> None:
    """A program in the place of `.venv/bin/repro` whose exit codes are known."""
    program = folder / ".venv" / "bin" / "repro"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("codes", "code"),
    [("0 0", 0), ("0 3", 3), ("3 1", 1), ("1 3", 1), ("1 0", 1), ("3 2", 2), ("2 1", 2), ("130 0", 130)],
)
def test_the_past_is_reported_whole(tmp_path: Path, codes: str, code: int) -> None:
    """Every tag is replayed whatever became of the others; the worst exit code counts."""
    first, second = codes.split()
    fake_repro(tmp_path, f'case "$*" in *v1*) exit {first};; *) echo "no wheel" >&2; exit {second};; esac')
    git = "git init -q && git -c user.name=a -c user.email=a@b.c commit -q --allow-empty -m x"
    subprocess.run(["sh", "-c", f"{git} && git tag v1 && git tag v2"], cwd=tmp_path, check=True)
    done = script(tmp_path, "past.sh", "past")
    assert done.code == code
    report = (tmp_path / "past" / "report.md").read_text()
    assert "| v1 | " in report
    assert "| v2 | " in report
    assert ("could not be realised**: no wheel" in report) == (second == "3")


def test_no_past_is_no_success(tmp_path: Path) -> None:
    """Without a tag nothing was replayed: exit 3, and the report says so."""
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert script(tmp_path, "past.sh", "past").code == 3
    assert "no tag" in (tmp_path / "past" / "report.md").read_text()


@pytest.mark.parametrize(("codes", "code"), [("0 0", 0), ("0 1", 1), ("1 3", 1), ("3 1", 1), ("3 0", 3)])
def test_every_sbom_is_audited(tmp_path: Path, codes: str, code: int) -> None:
    """All SBOMs are audited, the worst counts, and none at all is exit 3."""
    (tmp_path / "released").mkdir()
    assert script(tmp_path, "audit.sh", "released", "osv.zip").code == 3
    first, second = codes.split()
    fake_repro(tmp_path, f'case "$*" in *image*) exit {first};; *) exit {second};; esac')
    for name in ("image.sbom.cdx.json", "sbom.cdx.json"):
        (tmp_path / "released" / name).write_text("{}")
    done = script(tmp_path, "audit.sh", "released", "osv.zip")
    assert done.code == code
    assert done.out.count("==>") == 2


def test_a_summary_is_a_report_or_a_failure(tmp_path: Path) -> None:
    """A report is added to the summary, cut where GitHub would refuse it; no report is exit 3."""
    assert script(tmp_path, "summary.sh", "none.md").code == 3
    (tmp_path / "big.md").write_text("x" * 2_000_000)
    assert script(tmp_path, "summary.sh", "big.md").code == 0
    assert (tmp_path / "SUMMARY").stat().st_size == 1_000_000


@pytest.mark.parametrize(
    ("experiments", "targets", "policy", "replayed", "verified"),
    [("--all", "", "", 0, 0), ("", "a b", "p", 0, 0), ("", "", "", 0, 2), ("x", "a", "", 0, 2)],
)
def test_the_action_does_what_it_is_asked(
    tmp_path: Path, experiments: str, targets: str, policy: str, replayed: int, verified: int
) -> None:
    """The action replays and verifies what is named; nothing named, or no policy, is exit 2."""
    fake_repro(
        tmp_path, 'for word; do file=$word; done; case "$*" in *replay*) echo "# Replay" > "$file";; esac'
    )
    asked = {
        "GITHUB_ACTION_PATH": str(tmp_path),
        "FOLDER": ".",
        "EXPERIMENTS": experiments,
        "REPLAYED": experiments,
        "TARGETS": targets,
        "POLICY": policy,
    }
    done = script(tmp_path, "action-replay.sh", **asked)
    assert done.code == replayed, done.err
    assert ("report=" in done.outputs) == bool(experiments)
    assert script(tmp_path, "action-verify.sh", **asked).code == verified


def test_the_action_keeps_the_verdict(tmp_path: Path) -> None:
    """A drift is reported and still fails the step."""
    fake_repro(tmp_path, 'for word; do file=$word; done; echo drift > "$file"; exit 1')
    asked = {"GITHUB_ACTION_PATH": str(tmp_path), "FOLDER": ".", "EXPERIMENTS": "x"}
    done = script(tmp_path, "action-replay.sh", **asked)
    assert done.code == 1
    assert "report=" in done.outputs
    assert (tmp_path / "SUMMARY").read_text() == "drift\n"
