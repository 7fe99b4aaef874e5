"""`repro verify` on files, folders and digests: what is found, what is not, and that nothing fails open."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.sigstore.order import GITHUB, WORKFLOW, Order
from tests.sigstore.world import PrivateSigstore

from repro.attest.keys import generate
from repro.attest.reading import Evidence
from repro.attest.signing import KeySigner
from repro.attest.statement import statement
from repro.attest.trust import Trust
from repro.core.canonical import to_bytes
from repro.core.errors import ConfigError, EvidenceError, ReproError, UsageError
from repro.core.exits import Exit
from repro.core.subject import NAR, Subject
from repro.flows import verify as flow
from repro.flows.verify import Wishes, verify
from repro.flows.verify_documents import inventory_of
from repro.flows.verify_targets import Item, items_of, of_digest
from repro.flows.verify_vsa import VsaWishes
from repro.tools import host
from repro.tools.nar_writing import nar_sha256
from repro.verify.artifact import artifact_of
from repro.verify.judge import judge
from repro.verify.protocol import verify as steps
from repro.verify.signers import Expectation
from repro.verify.vsa import TYPE, parse_summary

if TYPE_CHECKING:
    from pathlib import Path

    from repro.flows.verify_report import Report


KEY, OTHER = generate(), generate()

POLICY = """
version = 1
name = "test"
[signers.me]
key = "key.pub"
[[artifacts]]
name = "all"
match = ["*.bin"]
[artifacts.demands.any]
kind = "signed"
signers = ["me"]
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Two keys, and a file that the first has signed."""
    (tmp_path / "key.pub").write_bytes(KEY.public.to_pem())
    (tmp_path / "other.pub").write_bytes(OTHER.public.to_pem())
    signed(tmp_path / "a.bin")
    return tmp_path


def signed(path: Path, content: bytes = b"artifact") -> None:
    """A file with its signature beside it."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    path.with_name(f"{path.name}.sigstore.json").write_bytes(KeySigner(key=KEY).blob(content))


def by_key(folder: Path, *targets: str, **more: object) -> Report:
    return verify(folder, replace(Wishes(targets=targets, keys=("key.pub",)), **more))  # type: ignore[arg-type]


def exits(report: Report) -> dict[str, Exit]:
    return {one.name: one.exit for one in report.verdicts}


def test_a_signed_file_is_good_and_tampering_is_not(work: Path) -> None:
    """The file as it was signed is exit 0; with any byte changed it is exit 1, at step 4."""
    assert by_key(work, "a.bin").exit is Exit.GOOD
    (work / "a.bin").write_bytes(b"artifacT")
    report = by_key(work, "a.bin")
    assert report.exit is Exit.WRONG
    assert report.verdicts[0].reason.startswith("step 4, signature")


def test_every_file_of_a_folder_is_an_artifact(work: Path) -> None:
    """Each file needs its own evidence; evidence beside a file is none, and one bad file hides no other."""
    signed(work / "dist" / "a.bin")
    signed(work / "dist" / "b.bin", b"b")
    (work / "dist" / "c.bin").write_bytes(b"nobody signed this")
    (work / "dist" / "b.bin").write_bytes(b"altered")
    report = by_key(work, "dist")
    assert exits(report) == {
        "dist/a.bin": Exit.GOOD,
        "dist/b.bin": Exit.WRONG,
        "dist/c.bin": Exit.NOT_CHECKED,
    }
    assert report.exit is Exit.WRONG


def test_a_name_exempts_nothing(work: Path) -> None:
    """A file that is only called like evidence is an artifact, which nobody has signed."""
    signed(work / "dist" / "a.bin")
    (work / "dist" / "a.bin.jsonl").write_bytes(b'{"not": "evidence"}\n')
    (work / "dist" / "evil.sigstore.json").write_bytes(KeySigner(key=OTHER).blob(b"x"))
    report = by_key(work, "dist")
    assert exits(report)["dist/a.bin.jsonl"] is Exit.NOT_CHECKED
    assert exits(report)["dist/evil.sigstore.json"] is Exit.NOT_CHECKED
    assert report.exit is Exit.NOT_CHECKED


ENVELOPE: dict[str, Any] = {"payloadType": "x", "payload": "", "signatures": [{"sig": "AA=="}]}
ATTESTATION = {"version": 1, "verification_material": {"certificate": "MAA=", "transparency_entries": []}}


@pytest.mark.parametrize(
    "lines",
    [
        [{"text": "poison"}, ENVELOPE],
        [ENVELOPE, {"text": "poison"}],
        [ENVELOPE | {"text": "poison"}],
        [ATTESTATION | {"envelope": {"statement": "e30=", "signature": "AA=="}, "text": "poison"}],
        [{"attestations": [ENVELOPE], "text": "poison"}],
        [{"attestations": []}],
    ],
    ids=["after a record", "before a record", "envelope", "attestation", "list", "empty list"],
)
def test_records_are_no_evidence(work: Path, lines: list[dict[str, Any]]) -> None:
    """Data among which, or in which, evidence lies is an artifact, though it is called like evidence."""
    signed(work / "dist" / "train")
    bundle = json.loads((work / "dist/train.sigstore.json").read_bytes())
    place = work / "dist/train.jsonl"
    for good in ([ENVELOPE], [bundle, bundle], [{"attestations": [{"bundle": bundle}]}]):
        place.write_text("".join(f"{json.dumps(one)}\n" for one in good))
        assert exits(by_key(work, "dist")) == {"dist/train": Exit.GOOD}
    place.write_text("".join(f"{json.dumps(one)}\n" for one in lines))
    report = by_key(work, "dist")
    assert exits(report) == {"dist/train": Exit.GOOD, "dist/train.jsonl": Exit.NOT_CHECKED}
    assert report.exit is Exit.NOT_CHECKED


def test_evidence_that_is_not_read_is_an_artifact(work: Path) -> None:
    """With --bundle nothing beside files is read, so nothing there goes unverified for being evidence."""
    signed(work / "dist" / "a.bin")
    bundle = work / "dist/a.bin.sigstore.json"
    bundle.rename(work / "said.json")
    assert by_key(work, "dist", bundles=("said.json",)).exit is Exit.GOOD
    bundle.write_bytes((work / "said.json").read_bytes())
    assert by_key(work, "dist").exit is Exit.GOOD
    assert by_key(work, "dist", bundles=("dist/a.bin.sigstore.json",)).exit is Exit.GOOD
    report = by_key(work, "dist", bundles=("said.json",))
    assert exits(report) == {"dist/a.bin": Exit.GOOD, "dist/a.bin.sigstore.json": Exit.WRONG}


def test_what_is_named_itself_is_verified(work: Path) -> None:
    """Evidence that is a target is an artifact, whether its folder is named before or after it."""
    signed(work / "dist" / "a.bin")
    for targets in (("dist", "dist/a.bin.sigstore.json"), ("dist/a.bin.sigstore.json", "dist")):
        assert exits(by_key(work, *targets))["dist/a.bin.sigstore.json"] is Exit.NOT_CHECKED


@pytest.mark.parametrize(
    "spelling",
    [
        *(
            "dist/x.whl",
            "./dist/x.whl",
            "dist//x.whl",
            "dist/./x.whl",
            "dist/../dist/x.whl",
            "HERE/dist/x.whl",
        ),
        *("dist", "./dist", "dist/", "dist/.", ".", "HERE/./dist", "../link/../dist/x.whl", "../link/.."),
    ],
)
def test_no_spelling_escapes_a_rule(work: Path, spelling: str) -> None:
    """A file is under the rules that are about its path, however a caller writes that path."""
    here = work / "here"
    here.mkdir()
    signed(here / "dist" / "x.whl", b"wheel")
    (work / "link").symlink_to("here/dist")
    rule = """
[[artifacts]]
name = "released"
match = ["dist/*.whl"]
demands.any = { kind = "signed", signers = ["other"] }
[signers.other]
key = "other.pub"
"""
    (work / "policy.toml").write_text(POLICY.replace("*.bin", "**") + rule)
    target = spelling.replace("HERE", str(here))
    report = verify(here, Wishes(targets=(target,), policy="../policy.toml"))
    assert exits(report) == {"dist/x.whl": Exit.WRONG}
    assert [one.is_met for one in report.verdicts[0].rules] == [True, False]


def test_dots_behind_a_link_lead_where_it_leads(work: Path) -> None:
    """What is opened is what the system opens: `..` is not taken out of a path that goes through a link."""
    (work / "away/inner").mkdir(parents=True)
    signed(work / "away" / "x.whl", b"wheel")
    signed(work / "x.whl", b"other")
    (work / "link").symlink_to("away/inner")
    (work / "x.whl").write_bytes(b"evil")
    assert exits(by_key(work, "link/../x.whl")) == {"away/x.whl": Exit.GOOD}
    assert exits(by_key(work, "x.whl")) == {"x.whl": Exit.WRONG}


@pytest.mark.parametrize("digest", ["sha1:" + "0" * 40, "md5:" + "0" * 32, "md5-dos2unix:" + "0" * 32])
def test_a_weak_digest_names_nothing(work: Path, digest: str) -> None:
    """A digest that two files can share names no artifact, even where a signer names it too."""
    algorithm, _, value = digest.partition(":")
    said = statement([Subject(name="a", digests={algorithm: value})], "https://example.org/p/v1", {})
    (work / "said.json").write_bytes(KeySigner(key=KEY).statement(said))
    with pytest.raises(UsageError, match="can be made"):
        by_key(work, digest=digest, bundles=("said.json",))


def test_for_a_pipe_nobody_waits(work: Path) -> None:
    """A pipe that is called like evidence, or like an SBOM, is refused at once."""
    (work / "a.bin.sigstore.json").unlink()
    os.mkfifo(work / "a.bin.sigstore.json")
    program = "from repro.cli.main import main; main()"
    argv = [sys.executable, "-c", program, "-C", str(work), "verify", "a.bin", "--key", "key.pub"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "not a file" in done.stdout


@pytest.mark.parametrize(
    ("content", "exit_code"),
    [
        (b"", Exit.NOT_CHECKED),
        (b"\n\n", Exit.NOT_CHECKED),
        (b"hello\n{}\n", Exit.WRONG),
        (b"[]", Exit.WRONG),
        (b'{"attestations": []}', Exit.NOT_CHECKED),
        (b"[" * 500_000, Exit.WRONG),
    ],
)
def test_evidence_that_says_nothing_never_passes(work: Path, content: bytes, exit_code: Exit) -> None:
    """An empty file is no attestation, unknown lines are refused ones, and more than the caps is one too."""
    (work / "a.bin.sigstore.json").write_bytes(content)
    assert by_key(work, "a.bin").exit is exit_code


def test_nothing_to_verify_is_never_good(work: Path) -> None:
    """An empty folder, a folder of evidence that is missing, and no attestation at all are exit 3."""
    (work / "empty").mkdir()
    assert by_key(work, "empty").exit is Exit.NOT_CHECKED
    assert by_key(work, "a.bin", bundles=("empty",)).exit is Exit.NOT_CHECKED
    (work / "a.bin.sigstore.json").unlink()
    assert by_key(work, "a.bin").exit is Exit.NOT_CHECKED
    assert by_key(work, "a.bin", "a.bin").exit is Exit.NOT_CHECKED
    assert by_key(work, "missing.bin").exit is Exit.NOT_CHECKED


def test_one_target_without_attestation_is_seen_among_many(work: Path) -> None:
    """Nine good files do not outweigh one without any attestation."""
    for number in range(9):
        signed(work / f"{number}.bin", str(number).encode())
    (work / "x.bin").write_bytes(b"x")
    report = by_key(work, *(f"{number}.bin" for number in range(9)), "x.bin")
    assert report.exit is Exit.NOT_CHECKED
    assert sum(code is Exit.GOOD for code in exits(report).values()) == 9


def test_a_crash_in_a_worker_is_a_failure_of_its_own(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever breaks while one artifact is judged, it is refused and the others are judged."""
    signed(work / "b.bin", b"b")
    real = judge

    def broken(artifact: object, *rest: object) -> object:
        if getattr(artifact, "name", "") == "b.bin":
            raise ZeroDivisionError("by zero")
        return real(artifact, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(flow, "judge", broken)
    report = by_key(work, "a.bin", "b.bin")
    assert exits(report) == {"a.bin": Exit.GOOD, "b.bin": Exit.WRONG}
    assert "ZeroDivisionError" in report.verdicts[1].reason


def test_threads_are_for_large_artifacts(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long to hash is shared among threads; evidence beside small artifacts is none of it."""
    for number in range(6):
        signed(work / "dist" / f"{number}.bin", bytes(number))
    started: list[int] = []

    class Counting(ThreadPoolExecutor):
        def __init__(self, threads: int) -> None:
            started.append(threads)
            super().__init__(threads)

    monkeypatch.setattr(flow, "ThreadPoolExecutor", Counting)
    monkeypatch.setattr(host, "processors", lambda: 2)
    assert sum(range(6)) < (work / "dist" / "0.bin.sigstore.json").stat().st_size
    for large, expected in ((sum(range(6)), []), (sum(range(6)) - 1, [2])):
        monkeypatch.setattr(flow, "LARGE", large)
        assert by_key(work, "dist").exit is Exit.GOOD
        assert started == expected


def test_threads_come_to_the_same(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Artifacts judged in several threads get the verdicts that they get one after the other."""
    for number in range(6):
        signed(work / f"{number}.bin", bytes(number))
    (work / "3.bin").write_bytes(b"altered")
    names = [f"{number}.bin" for number in range(6)]
    alone = by_key(work, *names).to_dict()
    monkeypatch.setattr(flow, "LARGE", -1)
    together = by_key(work, *names).to_dict()
    assert {**alone, "at": ""} == {**together, "at": ""}


def test_a_digest_pins_the_target(work: Path) -> None:
    """--digest is the digest that the target must have, or, without a target, what is verified."""
    sha256 = hashlib.sha256(b"artifact").hexdigest()
    assert by_key(work, "a.bin", digest=f"sha256:{sha256}").exit is Exit.GOOD
    assert by_key(work, "a.bin", digest=f"sha256:{'0' * 64}").exit is Exit.WRONG
    bundles = ("a.bin.sigstore.json",)
    assert by_key(work, digest=f"sha256:{sha256}", bundles=bundles).exit is Exit.GOOD
    assert by_key(work, f"sha256:{sha256}", bundles=bundles).exit is Exit.GOOD
    assert by_key(work, f"sha256:{'0' * 64}", bundles=bundles).exit is Exit.WRONG
    for bad in ("sha256:XYZ", "md5:" + "0" * 32, f"sha256:{sha256.upper()}"):
        with pytest.raises(UsageError):
            by_key(work, "a.bin", digest=bad if bad.startswith("sha256") else "sha256:0")


def test_nobody_is_named_is_wrong_usage(work: Path) -> None:
    """Without a policy or a signer nothing is verified, even where a policy lies in the folder."""
    (work / "policy.toml").write_text(POLICY)
    with pytest.raises(UsageError, match="no policy, no signer"):
        verify(work, Wishes(targets=("a.bin",)))
    with pytest.raises(UsageError, match="exclude"):
        verify(work, Wishes(targets=("a.bin",), keys=("key.pub",), policy="policy.toml"))
    assert verify(work, Wishes(targets=("a.bin",), policy="policy.toml")).exit is Exit.GOOD


def test_repro_toml_names_policy_and_targets(work: Path) -> None:
    """Without arguments all that [verify] names is verified; a glob that matches nothing is no success."""
    (work / "policy.toml").write_text(POLICY)
    (work / "repro.toml").write_text('version = 1\n[verify]\npolicy = "policy.toml"\ntargets = ["*.bin"]\n')
    signed(work / "b.bin", b"b")
    assert exits(verify(work, Wishes())) == {"a.bin": Exit.GOOD, "b.bin": Exit.GOOD}
    (work / "sub").mkdir()
    assert exits(verify(work / "sub", Wishes(targets=("../a.bin",)))) == {"a.bin": Exit.GOOD}
    assert verify(work, Wishes(targets=("a.bin",), keys=("other.pub",))).exit is Exit.WRONG
    (work / "a.bin").unlink()
    (work / "b.bin").unlink()
    with pytest.raises(ReproError, match="no file matches") as failed:
        verify(work, Wishes())
    assert failed.value.exit is Exit.NOT_CHECKED


def test_repro_toml_without_the_table_names_nothing(work: Path) -> None:
    """A repro.toml without [verify] is wrong usage, never an empty success."""
    (work / "repro.toml").write_text("version = 1\n")
    with pytest.raises(UsageError, match=r"no table \[verify\]"):
        verify(work, Wishes())


def test_strict_leaves_nothing_open(work: Path) -> None:
    """--strict refuses what is accepted beside refused evidence; without it, junk does no harm."""
    line = (work / "a.bin.sigstore.json").read_bytes()
    (work / "all.jsonl").write_bytes(line + b"{}\n")
    assert by_key(work, "a.bin", bundles=("all.jsonl",)).exit is Exit.GOOD
    assert by_key(work, "a.bin", bundles=("all.jsonl",), strict=True).exit is Exit.WRONG
    sha256 = hashlib.sha256(b"artifact").hexdigest()
    said = statement([Subject(name="a.bin", digests={"sha256": sha256})], "https://example.org/p", {})
    (work / "said.json").write_bytes(KeySigner(key=KEY).statement(said))
    assert by_key(work, "a.bin", bundles=("said.json",), strict=True).exit is Exit.GOOD


def test_a_policy_that_expired_makes_nothing_good(work: Path) -> None:
    """After its last day a policy refuses what it accepted before, and says so."""
    (work / "policy.toml").write_text(POLICY.replace('"test"', '"test"\nexpires = 2026-06-30'))
    wishes = Wishes(targets=("a.bin",), policy="policy.toml")
    assert verify(work, wishes, now=datetime(2026, 6, 30, 23, tzinfo=UTC)).exit is Exit.GOOD
    late = verify(work, wishes, now=datetime(2026, 7, 1, tzinfo=UTC))
    assert late.exit is Exit.WRONG
    assert late.checks[0].reason == "ended on 2026-06-30"


def test_a_policy_can_have_to_be_signed(work: Path) -> None:
    """With --policy-key a policy counts as it was signed by that key, and not with one byte changed."""
    signed(work / "policy.toml", POLICY.encode())
    wishes = Wishes(targets=("a.bin",), policy="policy.toml", policy_key="key.pub")
    assert verify(work, wishes).exit is Exit.GOOD
    with pytest.raises(EvidenceError, match="no signature of"):
        verify(work, replace(wishes, policy_key="other.pub"))
    (work / "policy.toml").write_text(POLICY + "\n")
    with pytest.raises(EvidenceError, match="no signature of"):
        verify(work, wishes)


def test_a_pinned_root_must_be_that_root(work: Path) -> None:
    """A trusted root with another digest than the policy pins is refused before anything is verified."""
    (work / "root.json").write_bytes(b"{}")
    pinned = f'[roots.own]\nfile = "root.json"\nsha256 = "{"0" * 64}"\n[signers.me]'
    (work / "policy.toml").write_text(POLICY.replace("[signers.me]", pinned))
    with pytest.raises(ConfigError, match="not the trusted root"):
        verify(work, Wishes(targets=("a.bin",), policy="policy.toml"))


def test_a_summary_of_the_verdict_can_be_verified(work: Path) -> None:
    """--vsa writes one signed summary per artifact, PASSED or FAILED, each with its own subject alone."""
    (work / "b.bin").write_bytes(b"b")
    (work / "b.bin.sigstore.json").write_bytes(KeySigner(key=OTHER).blob(b"b"))
    wishes = Wishes(targets=("a.bin", "b.bin"), keys=("key.pub",))
    summaries = VsaWishes(out=work / "vsa.jsonl", key=OTHER, verifier="https://verifier.example")
    assert verify(work, wishes, summaries=summaries).exit is Exit.WRONG
    seen = verify(work, replace(wishes, keys=("other.pub",), bundles=("vsa.jsonl",)))
    assert exits(seen) == {"a.bin": Exit.GOOD, "b.bin": Exit.WRONG}
    said = [one.outcome.statement for one in seen.verdicts[0].seen if one.outcome.is_accepted]
    assert len(said) == 1
    assert said[0] is not None
    assert said[0].predicate_type == TYPE
    summary = parse_summary(said[0])
    assert (summary.result, summary.levels) == ("PASSED", ("SLSA_BUILD_LEVEL_UNEVALUATED",))
    assert summary.resource_uri == "pkg:generic/a.bin"
    assert len(said[0].subjects) == 1
    evidence = hashlib.sha256((work / "a.bin.sigstore.json").read_bytes()).hexdigest()
    assert [one["digest"]["sha256"] for one in said[0].predicate["inputAttestations"]] == [evidence]
    with pytest.raises(UsageError, match="do not fit"):
        verify(work, wishes, summaries=replace(summaries, out=work / "vsa.json"))


def test_folders_of_the_store_are_known_by_their_nar(work: Path) -> None:
    """A NAR's hash has its own name: it is no file's sha256, and a file's sha256 is no NAR's."""
    (work / "tree").mkdir()
    (work / "tree" / "x").write_bytes(b"x")
    digest = nar_sha256(work / "tree")
    for kind, code in ((NAR, True), ("sha256", False)):
        said = statement([Subject(name="tree", digests={kind: digest})], "https://example.org/p", {})
        bundle = KeySigner(key=KEY).statement(said)
        outcome = steps(
            artifact_of("tree", {NAR: digest}),
            Evidence(name="e", raw=bundle),
            Expectation(keys=(KEY.public,)),
            Trust(b"{}"),
        )
        assert outcome.is_accepted is code


def test_inputs_are_not_read_twice(work: Path) -> None:
    """The bytes that are hashed are those that were opened: moving a link afterwards changes nothing."""
    (work / "link.bin").symlink_to("a.bin")
    (work / "link.bin.sigstore.json").write_bytes((work / "a.bin.sigstore.json").read_bytes())
    item = next(iter(items_of(work, "link.bin")))
    artifact = item.open()
    (work / "link.bin").unlink()
    (work / "link.bin").symlink_to("key.pub")
    assert artifact.sha256 == hashlib.sha256(b"artifact").hexdigest()


def test_the_document_is_the_same_every_time(work: Path) -> None:
    """The same inputs at the same time give the same bytes."""
    now = datetime(2026, 6, 1, tzinfo=UTC)
    wishes = Wishes(targets=("a.bin",), keys=("key.pub",))
    first, second = (to_bytes(verify(work, wishes, now=now).to_dict()) for _ in range(2))
    assert first == second
    assert json.loads(first)["artifacts"][0]["evidence"][0]["accepted"] is True


def test_an_sbom_must_match_the_artifact(work: Path) -> None:
    """The question whether an SBOM matches reads the artifact; where nothing can read it, it fails."""
    bare = of_digest(f"sha256:{'0' * 64}")
    with pytest.raises(EvidenceError, match="not at hand"):
        inventory_of(bare, bare.open())
    item = next(iter(items_of(work, "a.bin")))
    with pytest.raises(ReproError):
        inventory_of(item, item.open())


@pytest.mark.parametrize("is_large", [False, True])
def test_what_is_in_an_artifact_is_in_what_was_hashed(work: Path, *, is_large: bool) -> None:
    """An artifact that is swapped after it was hashed does not lend what is in it to the one that was."""
    lock = work / "requirements.lock"
    lock.write_text(f"alpha==1.0 --hash=sha256:{'0' * 64}\n")
    item = next(iter(items_of(work, lock.name)))
    artifact = item.open()
    artifact = replace(artifact, content=None) if is_large else artifact
    assert [one.name for one in inventory_of(item, artifact).components] == ["alpha"]
    lock.write_text(f"evil==1.0 --hash=sha256:{'0' * 64}\n")
    if is_large:
        with pytest.raises(EvidenceError, match="changed after it was hashed"):
            inventory_of(item, artifact)
    else:
        assert [one.name for one in inventory_of(item, artifact).components] == ["alpha"]


def test_a_folder_that_changes_is_not_what_was_hashed(work: Path) -> None:
    """What is in a folder is read between two looks at its digest, which must agree."""
    (work / "site/alpha-1.dist-info").mkdir(parents=True)
    (work / "site/alpha-1.dist-info/METADATA").write_text("Name: alpha\nVersion: 1\n")
    first, second = (artifact_of("oci:site", {"sha256": digit * 64}) for digit in "01")
    item = Item(name="oci:site", path=work / "site", open=lambda: second)
    assert [one.name for one in inventory_of(item, second).components] == ["alpha"]
    with pytest.raises(EvidenceError, match="changed after it was hashed"):
        inventory_of(item, first)


def test_a_database_that_lies_about_is_not_asked(work: Path) -> None:
    """Vulnerabilities are looked up where the policy lies: an artifact could bring a database along."""
    package = {"type": "library", "bom-ref": "x", "name": "x", "version": "1", "purl": "pkg:pypi/x@1"}
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [package]}
    subject = Subject(name="a.bin", digests={"sha256": hashlib.sha256(b"artifact").hexdigest()})
    said = KeySigner(key=KEY).statement(statement([subject], "https://cyclonedx.org/bom", document))
    here, ours = work / "download", work / "ours"
    signed(here / "a.bin")
    (here / "a.bin.sigstore.json").write_bytes(said)
    ours.mkdir()
    (ours / "key.pub").write_bytes(KEY.public.to_pem())
    policy = POLICY.replace('"signed"', '"sbom"') + 'max_severity = "medium"\n'
    (ours / "policy.toml").write_text(policy)
    found = {
        "id": "GHSA-y", "modified": "2026-05-31T00:00:00Z", "database_specific": {"severity": "LOW"},
        "affected": [{"package": {"ecosystem": "PyPI", "name": "x"}, "versions": ["2"]}],
    }  # fmt: skip
    wishes = Wishes(targets=("a.bin",), policy="../ours/policy.toml")
    for place, exit_code in ((here, Exit.WRONG), (ours, Exit.GOOD)):
        (place / "osv").mkdir()
        (place / "osv" / "GHSA-y.json").write_text(json.dumps(found))
        (place / "repro.toml").write_text('version = 1\n[audit]\ndatabase = "osv"\n')
        report = verify(here, wishes, now=datetime(2026, 6, 1, tzinfo=UTC))
        assert report.exit is exit_code, report.verdicts[0].reason
        assert exit_code is Exit.GOOD or "no vulnerability database" in report.verdicts[0].reason


def test_a_root_that_lies_about_is_not_trusted(work: Path) -> None:
    """Who names signers, or a policy, is given no trusted root by the repro.toml that is at hand."""
    world = PrivateSigstore()
    (work / "a.bin.sigstore.json").write_bytes(world.sign(Order(payload=b"artifact", form="message")))
    (work / "root.json").write_bytes(world.trusted_root())
    (work / "policy.toml").write_text(
        POLICY.replace('key = "key.pub"', f'identity = "{WORKFLOW}"\nissuer = "{GITHUB}"')
    )
    table = 'policy = "policy.toml"\ntargets = ["a.bin"]\ntrusted_root = "root.json"\n'
    (work / "repro.toml").write_text(f"version = 1\n[verify]\n{table}")
    assert verify(work, Wishes()).exit is Exit.GOOD
    for named in (Wishes(identities=((WORKFLOW, GITHUB),)), Wishes(policy="policy.toml")):
        assert verify(work, named).exit is Exit.WRONG
        assert verify(work, replace(named, trusted_root="root.json")).exit is Exit.GOOD


def test_vulnerabilities_are_looked_up_or_refused(work: Path) -> None:
    """An SBOM without a database to ask fails its demand; one above the severity fails; one below passes."""
    package = {"type": "library", "bom-ref": "x", "name": "x", "version": "1", "purl": "pkg:pypi/x@1"}
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [package]}
    sha256 = hashlib.sha256(b"artifact").hexdigest()
    said = statement(
        [Subject(name="a.bin", digests={"sha256": sha256})], "https://cyclonedx.org/bom", document
    )
    (work / "a.bin.sigstore.json").write_bytes(KeySigner(key=KEY).statement(said))
    demand = POLICY.replace('"signed"', '"sbom"') + 'max_severity = "medium"\n'
    (work / "policy.toml").write_text(demand)
    wishes = Wishes(targets=("a.bin",), policy="policy.toml")
    now = datetime(2026, 6, 1, tzinfo=UTC)
    assert "no vulnerability database" in verify(work, wishes, now=now).verdicts[0].reason

    def entry(score: str) -> None:
        found = {
            "id": "GHSA-x", "modified": "2026-05-31T00:00:00Z", "database_specific": {"severity": score},
            "affected": [{"package": {"ecosystem": "PyPI", "name": "x"}, "versions": ["1"]}],
        }  # fmt: skip
        (work / "osv").mkdir(exist_ok=True)
        (work / "osv" / "GHSA-x.json").write_text(json.dumps(found))

    (work / "repro.toml").write_text('version = 1\n[audit]\ndatabase = "osv"\n')
    entry("HIGH")
    refused = verify(work, wishes, now=now)
    assert refused.exit is Exit.WRONG
    assert "GHSA-x of x" in refused.verdicts[0].reason
    entry("LOW")
    good = verify(work, wishes, now=now)
    assert good.exit is Exit.GOOD, good.verdicts[0].reason
    late = verify(work, wishes, now=datetime(2026, 7, 1, tzinfo=UTC))
    assert late.exit is Exit.WRONG
