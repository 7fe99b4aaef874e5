"""Certificates: whole, checked offline by one command, refused when any byte is another, always the same."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from tests.attest.conftest import KeyFiles, Said, key_files, repro
from tests.flows.conftest import Lab
from tests.flows.tampering import answers

from repro.core.exits import Exit
from repro.flows.verify import Wishes, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Repro = Callable[..., Said]

__all__ = ["repro"]

BUNDLES = "ro-crate-metadata.json.sigstore.jsonl"
COMMAND = (
    *("verify", ".", "--policy", "policy.toml", "--policy-key", "signer-1.pub"),
    *("--bundle", BUNDLES, "--offline"),
)
LONG = 4
"""Letters of a name from which on it stands in no file by chance."""

SIGNATURES = {BUNDLES, "policy.toml.sigstore.jsonl"}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, KeyFiles]:
    """Two keys in the clear."""
    folder = tmp_path_factory.mktemp("keys")
    return {name: key_files(folder, name) for name in ("alice", "bob")}


@pytest.fixture(scope="module")
def replayed(made: Path, private: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project after one replay, which matches; made once."""
    top = tmp_path_factory.mktemp("certified") / "lab"
    shutil.copytree(made, top, symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in private.items():
            patch.setenv(name, value)
        Lab(root=top / "project", shelf=top / "shelf").plain()
    return top / "project" / ".repro"


@pytest.fixture
def ran(lab: Lab, replayed: Path) -> Lab:
    """A project of its own with that replay."""
    shutil.copytree(replayed, lab.store.folder, symlinks=True)
    return lab


def certified(repro: Repro, lab: Lab, *arguments: str | Path) -> Path:
    """A certificate of `mean`, moved to where nothing of the project is."""
    answer = repro(lab.root, "certificate", *(arguments or ("mean",)), "--out", "certificate")
    assert answer.code == 0, answer.err
    place = lab.root.parent.parent / "elsewhere"
    shutil.move(lab.root / "certificate", place)
    return place


def signed(repro: Repro, lab: Lab, keys: dict[str, KeyFiles]) -> Path:
    """The same, signed by one key."""
    return certified(repro, lab, "mean", *keys["alice"].options)


def files_in(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def names_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in files_in(folder)}


def test_one_command_checks_it(repro: Repro, ran: Lab, keys: dict[str, KeyFiles]) -> None:
    """The README names the command, which verifies every file but the signatures, far from the project."""
    place = signed(repro, ran, keys)
    assert f"repro {' '.join(COMMAND)}\n" in (place / "README.md").read_text()
    answer = repro(place, *COMMAND, "--json")
    assert answer.code == 0, answer.out + answer.err
    assert {one["name"] for one in answer.document["artifacts"]} == names_in(place) - SIGNATURES
    assert {"record.json", "outputs/results.json", "logs/stdout.log", "drift.json", "drift.html"} < names_in(
        place
    )
    (output,) = [one for one in answer.document["artifacts"] if one["name"] == "outputs/results.json"]
    demands = {each["name"] for rule in output["rules"] for each in rule["demands"]}
    assert demands == {"listed", "provenance", "replay", "environment"}


def test_whatever_is_done_to_a_certificate(repro: Repro, ran: Lab, keys: dict[str, KeyFiles]) -> None:
    """Every file altered, cut, emptied, removed or swapped: exit 1, and what failed is named with its step.

    Where a file is gone that the command names, that is exit 2; without any evidence left it is 3.
    """
    place = signed(repro, ran, keys)
    wishes = Wishes(
        targets=(".",), policy="policy.toml", policy_key="signer-1.pub", bundles=(BUNDLES,), offline=True
    )
    done = list(answers(place, place, wishes))
    assert {one.file for one in done} == names_in(place)
    for one in (each for each in done if not each.is_harmless):
        is_named = one.done == "removed" and one.file in {"policy.toml", "signer-1.pub", BUNDLES}
        is_bare = one.done == "emptied" and one.file == BUNDLES
        assert one.code == (2 if is_named else 3 if is_bare else 1), one
        assert one.said, one
        touched = {one.file, one.done.removeprefix("swapped with ")}
        names = [name.removesuffix(".sigstore.jsonl") for name in touched]
        assert is_named or is_bare or any(name in said for name in names for said in one.said), one
    assert verify(place, wishes).exit is Exit.GOOD


@pytest.mark.parametrize(
    "name",
    ["notes.txt", "outputs/more.json", "logs/more.log", "README.md.jsonl", "record.json.sigstore.json"],
)
def test_a_file_more_is_refused(repro: Repro, ran: Lab, keys: dict[str, KeyFiles], name: str) -> None:
    """A file that the signers have not listed is refused."""
    place = signed(repro, ran, keys)
    (place / name).write_bytes((place / BUNDLES).read_bytes() if "json" in name else b"{}")
    answer = repro(place, *COMMAND, "-q")
    assert answer.code == 1
    assert name in answer.out


def test_a_copy_under_another_name_is_refused(repro: Repro, ran: Lab, keys: dict[str, KeyFiles]) -> None:
    """The bytes of a listed file under a name that nobody listed are a file more."""
    place = signed(repro, ran, keys)
    shutil.copyfile(place / "outputs/results.json", place / "outputs/copy.json")
    answer = repro(place, *COMMAND, "-q")
    assert answer.code == 1
    assert "outputs/copy.json: refused" in answer.out


@pytest.mark.parametrize("name", ["outputs/results.json", "logs/stdout.log"])
def test_a_file_that_was_moved_is_refused(
    repro: Repro, ran: Lab, keys: dict[str, KeyFiles], name: str
) -> None:
    """A file that lies higher than the signers have listed it, where less is asked of it, is refused."""
    place = signed(repro, ran, keys)
    (place / name).rename(place / Path(name).name)
    answer = repro(place, *COMMAND, "-q")
    assert answer.code == 1
    assert f"{Path(name).name}: refused" in answer.out


def test_a_policy_that_asks_for_less_is_refused(repro: Repro, ran: Lab, keys: dict[str, KeyFiles]) -> None:
    """A policy without the demand for a replay is not the one that was signed."""
    place = signed(repro, ran, keys)
    policy = place / "policy.toml"
    lines = [line for line in policy.read_text().splitlines() if not line.startswith("demands.replay")]
    policy.write_text("\n".join(line for line in lines if not line.startswith("agree")) + "\n")
    assert repro(place, *COMMAND).code == 1


def test_evidence_that_is_taken_away_is_missed(repro: Repro, ran: Lab, keys: dict[str, KeyFiles]) -> None:
    """Without any one of the signed statements the demand for it is not met; without all, exit 3."""
    place = signed(repro, ran, keys)
    bundles = place / BUNDLES
    lines = bundles.read_bytes().splitlines(keepends=True)
    assert len(lines) == 4
    for at in range(len(lines)):
        bundles.write_bytes(b"".join(lines[:at] + lines[at + 1 :]))
        assert repro(place, *COMMAND).code == 1
    bundles.write_bytes(b"")
    assert repro(place, *COMMAND).code in {1, 3}  # the empty file is one that nobody listed
    assert repro(place, *COMMAND).code != 0


def test_another_runs_certificate_does_not_vouch(repro: Repro, ran: Lab, keys: dict[str, KeyFiles]) -> None:
    """Outputs of another run, signed by the same key, are not those of this certificate."""
    first = signed(repro, ran, keys)
    ran.define(rules=[{"path": "**", "atol": 1.0, "reason": "any will do"}])
    ran.write("data/offset.txt", "0.5\n")
    ran.plain()
    assert repro(ran.root, "certificate", "mean", *keys["alice"].options, "--out", "other").code == 0
    other = ran.root / "other"
    assert (other / "outputs/results.json").read_bytes() != (first / "outputs/results.json").read_bytes()
    for name in ("outputs/results.json", "record.json", "ro-crate-metadata.json.sigstore.jsonl"):
        kept = (first / name).read_bytes()
        shutil.copyfile(other / name, first / name)
        assert repro(first, *COMMAND).code == 1, name
        (first / name).write_bytes(kept)


def test_a_drift_is_not_certified(repro: Repro, lab: Lab, keys: dict[str, KeyFiles]) -> None:
    """A run that does not match its baseline is refused with exit 1, and leaves nothing behind."""
    lab.write("data/offset.txt", "0.5\n")
    lab.plain()
    before = names_in(lab.root)
    answer = repro(lab.root, "certificate", "mean", *keys["alice"].options)
    assert answer.code == 1
    assert "mean: drift" in answer.err
    assert "--even-if-drifted" in answer.err
    assert {name for name in names_in(lab.root) - before if "comparison" not in name} == set()


def test_a_drift_is_certified_as_one(repro: Repro, lab: Lab, keys: dict[str, KeyFiles]) -> None:
    """On request a drift is certified, and README, metadata, policy and statement all say what it is."""
    lab.write("data/offset.txt", "0.5\n")
    lab.plain()
    place = certified(repro, lab, "mean", *keys["alice"].options, "--even-if-drifted")
    assert repro(place, *COMMAND).code == 0
    assert "**These numbers did not come out again: drift.**" in (place / "README.md").read_text()
    assert "did NOT come out again: drift" in (place / "policy.toml").read_text()
    assert crate_of(place)["./"]["name"] == "Certificate of mean: drift"
    assert json.loads((place / "drift.json").read_bytes())["verdict"] == "drift"
    statement = place / "statements/replay.json"
    assert json.loads(statement.read_bytes())["predicate"]["result"] == "FAILED"
    statement.write_bytes(statement.read_bytes().replace(b"FAILED", b"PASSED"))
    assert repro(place, *COMMAND).code == 1


def test_nothing_is_certified_that_was_not_run_or_compared(
    repro: Repro, lab: Lab, keys: dict[str, KeyFiles]
) -> None:
    """An experiment that has not run, or has no baseline, is exit 3."""
    options = keys["alice"].options
    answer = repro(lab.root, "certificate", "mean", *options)
    assert answer.code == 3
    assert "repro replay 'mean'" in answer.err
    lab.define("other", **lab.experiments["mean"])
    lab.replay("other")
    assert repro(lab.root, "certificate", "other", *options).code == 3


@pytest.mark.parametrize("name", ["out/results.json", "stdout.log"])
def test_what_was_altered_is_not_certified(
    repro: Repro, ran: Lab, keys: dict[str, KeyFiles], name: str
) -> None:
    """An output or a log that is not what the record says is exit 1, and no folder appears."""
    (run_id,) = ran.store.ids()
    path = ran.store.runs / run_id / name
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b" ")
    answer = repro(ran.root, "certificate", "mean", *keys["alice"].options)
    assert answer.code == 1
    assert path.name in answer.err
    assert not list(ran.root.glob("*certificate*"))
    assert not list(ran.root.glob(".*certificate*"))


def test_unsigned_proves_nothing(repro: Repro, ran: Lab, keys: dict[str, KeyFiles]) -> None:
    """A certificate that nobody signed says so, has no policy, and verifying it is exit 3."""
    place = certified(repro, ran, "mean", "--unsigned")
    readme = (place / "README.md").read_text()
    assert "not signed" in readme
    assert "repro verify" not in readme
    assert not SIGNATURES & names_in(place)
    assert "policy.toml" not in names_in(place)
    public = keys["alice"].private.with_suffix(".pub")
    assert repro(place, "verify", ".", "--key", public, "--offline").code == 3


def test_signing_must_be_said(repro: Repro, ran: Lab, keys: dict[str, KeyFiles]) -> None:
    """Without a key and without a token nothing is written; unsigned with a key is wrong usage."""
    assert repro(ran.root, "certificate", "mean").code == 2
    assert repro(ran.root, "certificate", "mean", "--unsigned", *keys["alice"].options).code == 2
    assert not list(ran.root.glob("*certificate*"))


def test_a_place_that_is_taken_is_kept(repro: Repro, ran: Lab) -> None:
    """What exists already is not written over: exit 2."""
    (ran.root / "mean-certificate").mkdir()
    kept = ran.write("mean-certificate/kept.txt", "mine")
    assert repro(ran.root, "certificate", "mean", "--unsigned").code == 2
    assert names_in(ran.root / "mean-certificate") == {"kept.txt"}
    assert kept.read_text() == "mine"


def test_two_signers_are_both_needed(repro: Repro, ran: Lab, keys: dict[str, KeyFiles]) -> None:
    """Of two signers each must have signed each statement: one alone does not reach the threshold."""
    place = certified(repro, ran, "mean", *keys["alice"].options, *keys["bob"].options)
    assert {"signer-1.pub", "signer-2.pub"} < names_in(place)
    assert repro(place, *COMMAND).code == 0
    bundles = place / BUNDLES
    lines = bundles.read_bytes().splitlines(keepends=True)
    hint = keys["bob"].public.hint.encode()
    bundles.write_bytes(b"".join(line for line in lines if hint not in line))
    assert len(bundles.read_bytes().splitlines()) == len(lines) / 2
    answer = repro(place, *COMMAND)
    assert answer.code == 1
    assert "1 different signers; 2 are needed" in " ".join(answer.out.split())


def test_runs_of_a_matrix_have_a_folder_each(repro: Repro, lab: Lab, keys: dict[str, KeyFiles]) -> None:
    """Several runs stand side by side, and one's statements do not vouch for another's outputs."""
    table = {
        **lab.experiments["mean"],
        "command": ["python", "src/grid.py", "{a}", "{out}"],
        "inputs": [],
        "matrix": {"a": [1, 2]},
    }
    lab.script(
        "import json, pathlib, sys\n"
        "place = pathlib.Path(sys.argv[2]) / 'results.json'\n"
        "place.write_text(json.dumps({'a': int(sys.argv[1])}))\n",
        "src/grid.py",
    )
    lab.define("grid", **table)
    lab.record_baseline("grid")
    place = certified(repro, lab, "grid", *keys["alice"].options)
    assert {"a=1/outputs/results.json", "a=2/record.json", "a=2/drift.html"} < names_in(place)
    assert repro(place, *COMMAND).code == 0
    first, second = (place / f"a={a}/outputs/results.json" for a in (1, 2))
    ours, theirs = first.read_bytes(), second.read_bytes()
    second.write_bytes(ours)
    first.write_bytes(theirs)
    answer = repro(place, *COMMAND, "-q")
    assert answer.code == 1
    assert ", 2 refused" in answer.out
    first.write_bytes(ours)
    crate = crate_of(place)
    assert len(crate["./"]["mentions"]) == 2


def test_the_same_run_gives_the_same_bytes(ran: Lab, tmp_path: Path) -> None:
    """Under two hash seeds and in two places the archive is the same, and so is one signed with Ed25519."""
    call = [sys.executable, "-m", "repro"]
    subprocess.run(
        [*call, "keys", "generate", "--kind", "ed25519", "--out", tmp_path / "k", "--no-password"], check=True
    )
    for options in (["--unsigned"], ["--key", str(tmp_path / "k.key")]):
        made = set()
        for seed in ("1", "2"):
            out = tmp_path / f"place-{seed}" / f"made-{len(options)}.zip"
            subprocess.run(
                [*call, "certificate", "mean", *options, "--out", out],
                cwd=ran.root,
                env={**os.environ, "PYTHONHASHSEED": seed},
                capture_output=True,
                check=True,
            )
            made.add(out.read_bytes())
        assert len(made) == 1, options


def test_an_archive_is_the_folder(repro: Repro, ran: Lab) -> None:
    """--out FILE.zip holds the same files with the same bytes, readable, and without a time of its own."""
    place = certified(repro, ran, "mean", "--unsigned")
    assert repro(ran.root, "certificate", "mean", "--unsigned", "--out", "mean.zip").code == 0
    with zipfile.ZipFile(ran.root / "mean.zip") as archive:
        assert {one: archive.read(one) for one in archive.namelist()} == {
            path.relative_to(place).as_posix(): path.read_bytes() for path in files_in(place)
        }
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_nothing_tells_of_the_machine(repro: Repro, ran: Lab, keys: dict[str, KeyFiles]) -> None:
    """No file names the project's folder, the home, this machine, or the caller's account."""
    place = signed(repro, ran, keys)
    told = [str(ran.root), str(ran.root.parent), f"{Path.home()}/"]
    told += [word for word in (getpass.getuser(), socket.gethostname()) if len(word) > LONG]
    for path in files_in(place):
        text = path.read_text(encoding="utf-8")
        assert not [text[max(0, text.find(one) - 60) :][:120] for one in told if one in text], path


def crate_of(place: Path) -> dict[str, dict[str, Any]]:
    """The entities of a crate by their identifier."""
    document = json.loads((place / "ro-crate-metadata.json").read_bytes())
    assert document["@context"] == "https://w3id.org/ro/crate/1.1/context"
    entities = {one["@id"]: one for one in document["@graph"]}
    assert len(entities) == len(document["@graph"])
    return entities


def references_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"@id"}:
            yield value["@id"]
        for each in value.values():
            yield from references_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from references_in(each)


def test_it_is_a_crate(repro: Repro, ran: Lab, keys: dict[str, KeyFiles]) -> None:
    """RO-Crate 1.1: descriptor, root with name, description and date, every file an entity, no loose end."""
    place = signed(repro, ran, keys)
    crate = crate_of(place)
    assert crate["ro-crate-metadata.json"] == {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    root = crate["./"]
    assert root["@type"] == "Dataset"
    assert {"name", "description", "datePublished"} < set(root)
    parts = {unquote(one["@id"]) for one in root["hasPart"]}
    assert parts == names_in(place) - {"ro-crate-metadata.json"}
    for name in parts - SIGNATURES:
        assert crate[name]["@type"] == "File"
        assert int(crate[name]["contentSize"]) == (place / name).stat().st_size
    (run,) = [one for one in crate.values() if one["@type"] == "CreateAction"]
    assert [one["@id"] for one in run["result"]] == ["outputs/results.json"]
    assert {crate[one["@id"]]["name"] for one in run["object"]} == {"data/points.csv", "data/offset.txt"}
    outside = {"https://w3id.org/ro/crate/1.1", "http://schema.org/CompletedActionStatus"}
    for entity in crate.values():
        assert {one for one in references_in(list(entity.values())) if one not in crate} <= outside


def test_names_cannot_steer_readers(repro: Repro, lab: Lab) -> None:
    """A description with Markdown, escapes and line ends stays one line of plain text."""
    lab.define(description="A `mean`\n# Not a heading \x1b[31m<script>alert(1)</script>")
    lab.plain()
    place = certified(repro, lab, "mean", "--unsigned")
    readme = (place / "README.md").read_text()
    assert "\x1b" not in readme
    assert "\n# Not" not in readme
    assert "\\<script\\>" in readme


def test_the_policy_says_what_it_demands(repro: Repro, ran: Lab, keys: dict[str, KeyFiles]) -> None:
    """The policy is TOML that names the experiment, and asks of outputs for a replay of it that passed."""
    place = signed(repro, ran, keys)
    policy = tomllib.loads((place / "policy.toml").read_text())
    outputs = policy["artifacts"][1]
    assert outputs["match"] == ["**/outputs/**"]
    assert outputs["demands"]["replay"] == {
        "kind": "replay",
        "experiments": ["mean"],
        "signers": ["signer-1"],
        "threshold": 1,
    }


def test_it_says_what_it_wrote(repro: Repro, ran: Lab, keys: dict[str, KeyFiles]) -> None:
    """--json names the files, the verdict, who signed, and the command that checks it."""
    said = repro(ran.root, "certificate", "mean", *keys["alice"].options, "--json").document
    place = ran.root / "mean-certificate"
    assert set(said["files"]) == names_in(place)
    assert (said["version"], said["exit"], said["verdict"]) == (1, 0, "match")
    assert said["command"] == " ".join(["repro", *COMMAND])
    assert said["signers"] == [f"key {keys['alice'].public.fingerprint}"]


def test_odd_names_of_outputs(repro: Repro, lab: Lab, keys: dict[str, KeyFiles]) -> None:
    """Outputs with spaces, signs and any letters are listed, addressed and verified as others are."""
    names = ["a b/ü #1.json", "100%.json", 'quote".json']
    lab.script(
        "import pathlib, sys\n"
        f"for name in {names!r}:\n"
        "    place = pathlib.Path(sys.argv[2]) / name\n"
        "    place.parent.mkdir(exist_ok=True)\n"
        "    place.write_text('[1, 2]')\n"
    )
    lab.define("odd", **{**lab.experiments["mean"], "outputs": names})
    lab.record_baseline("odd")
    place = certified(repro, lab, "odd", *keys["alice"].options)
    assert {f"outputs/{name}" for name in names} < names_in(place)
    assert {f"outputs/{name}" for name in names} < {unquote(one) for one in crate_of(place)}
    assert repro(place, *COMMAND).code == 0


def test_an_environment_that_is_gone_is_said(repro: Repro, ran: Lab) -> None:
    """Without the locked environment of a run there is no SBOM of it: exit 3, and how to get it back."""
    (run_id,) = ran.store.ids()
    path = ran.store.runs / run_id / "record.json"
    record = json.loads(path.read_bytes())
    record["conditions"]["environment"] |= {"kind": "venv", "digest": "sha256:" + "0" * 64}
    path.write_text(json.dumps(record))
    answer = repro(ran.root, "certificate", "mean", "--unsigned")
    assert answer.code == 3
    assert "repro replay 'mean' --no-cache" in answer.err
