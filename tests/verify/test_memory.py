"""What was accepted last: nothing older follows it, nor with less evidence; the file is whole."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.sigstore.order import Order
from tests.verify.cases import at
from tests.verify.laboratory import PROVENANCE, RULE, Lab, build, by, changed, failing, statement

from repro.core.errors import FormatError
from repro.core.exits import Exit
from repro.verify import memory
from repro.verify.memory import Accepted, load, newest, recalled, remember
from repro.verify.policy import MemoryRule, Rule

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sigstore.world import PrivateSigstore

JANUARY, JUNE = datetime(2026, 1, 10, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC)
REMEMBER = "[artifacts.remember]\n"
SIGNED = RULE + '[artifacts.demands.any]\nkind = "signed"\nsigners = ["release", "a"]\n' + REMEMBER
TIMED = SIGNED + 'order = "time"\n'
VERSIONED = (
    RULE
    + '[artifacts.demands.release]\nkind = "release"\nsigners = ["a"]\n'
    + REMEMBER
    + 'order = "version"\nstream = "lab"\n'
)
OTHER, SHA_B = "56" * 32, "78" * 32
RELEASE = "https://in-toto.io/attestation/release/v0.1"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, world: PrivateSigstore) -> Lab:
    """Keys and the private root in a folder."""
    return Lab.at(tmp_path_factory.mktemp("lab"), world.trusted_root())


def about(sha256: str) -> bytes:
    return statement({}, "https://example.org/p/v1", sha256=sha256)


def released(version: str, sha256: str) -> bytes:
    return by("a", statement({"purl": f"pkg:pypi/lab@{version}"}, RELEASE, sha256=sha256))


def test_an_older_good_attestation_is_refused(lab: Lab, world: PrivateSigstore) -> None:
    """What was signed before the last accepted artifact is a downgrade, however well it is signed."""
    new = lab.judge(TIMED, [at(world, JANUARY, Order(payload=about(OTHER)))], sha256=OTHER)
    assert new.exit is Exit.GOOD
    old = [at(world, JUNE, Order(payload=about("78" * 32)))]
    assert lab.judge(TIMED, old, sha256="78" * 32).exit is Exit.GOOD
    refused = lab.judge(TIMED, old, sha256="78" * 32, memory=new.kept)
    assert refused.exit is Exit.WRONG
    assert "not older" in failing(refused)
    assert refused.kept == {}


def test_the_same_bytes_are_never_older(lab: Lab, world: PrivateSigstore) -> None:
    """The artifact that was accepted last is accepted again, by the evidence that it had."""
    evidence = [at(world, JANUARY, Order(payload=about(OTHER)))]
    first = lab.judge(TIMED, evidence, sha256=OTHER)
    assert lab.judge(TIMED, evidence, sha256=OTHER, memory=first.kept).exit is Exit.GOOD


def test_nothing_to_order_by_is_refused(lab: Lab) -> None:
    """Where a policy remembers by time, a signature whose time nobody witnessed is refused."""
    refused = lab.judge(TIMED, [build()])
    assert refused.exit is Exit.WRONG
    assert "not older" in failing(refused)


def test_a_lost_attestation_is_refused(lab: Lab, world: PrivateSigstore) -> None:
    """What the last one had and this one has not, by the same signer of the policy, is missed."""
    one = at(world, JANUARY, Order(payload=about(OTHER)))
    both = lab.judge(TIMED, [one, by("a", about(OTHER))], sha256=OTHER)
    assert both.exit is Exit.GOOD
    refused = lab.judge(TIMED, [one], sha256=OTHER, memory=both.kept)
    assert refused.exit is Exit.WRONG
    assert "nothing lost" in failing(refused)


@pytest.mark.parametrize("left_out", [one.name for one in memory.QUESTIONS])
def test_no_question_can_be_left_out(
    left_out: str, lab: Lab, world: PrivateSigstore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without either question what it alone refuses is accepted: what is older, or has less than the last."""
    new = at(world, JANUARY, Order(payload=about(OTHER)))
    both = lab.judge(TIMED, [new, by("a", about(OTHER))], sha256=OTHER)
    alone = lab.judge(TIMED, [new], sha256=OTHER)
    last, evidence, sha256 = {
        "not older": (alone.kept, [at(world, JUNE, Order(payload=about(SHA_B)))], SHA_B),
        "nothing lost": (both.kept, [new], OTHER),
    }[left_out]
    whole = lab.judge(TIMED, evidence, sha256=sha256, memory=last)
    assert (whole.exit, failing(whole)) == (Exit.WRONG, {left_out})
    rest = tuple(one for one in memory.QUESTIONS if one.name != left_out)
    monkeypatch.setattr(memory, "QUESTIONS", rest)
    assert lab.judge(TIMED, evidence, sha256=sha256, memory=last).exit is Exit.GOOD


@pytest.mark.parametrize(
    ("version", "exit_code"),
    [
        ("1.10", Exit.GOOD),
        ("1.9", Exit.GOOD),
        ("1.9.post1", Exit.GOOD),
        ("1.9rc1", Exit.WRONG),
        ("1.2", Exit.WRONG),
    ],
)
def test_versions_are_ordered_as_versions(lab: Lab, version: str, exit_code: Exit) -> None:
    """1.10 follows 1.9, and a candidate for a release comes before it."""
    last = lab.judge(VERSIONED, [released("1.9", OTHER)], sha256=OTHER)
    assert last.exit is Exit.GOOD
    now = lab.judge(VERSIONED, [released(version, "78" * 32)], sha256="78" * 32, memory=last.kept)
    assert now.exit is exit_code


@pytest.mark.parametrize("version", ["", "newest"])
def test_versions_without_order_are_refused(lab: Lab, version: str) -> None:
    """A version that is missing or is none cannot be shown to be newer."""
    last = lab.judge(VERSIONED, [released("1.9", OTHER)], sha256=OTHER)
    now = lab.judge(VERSIONED, [released(version, "78" * 32)], sha256="78" * 32, memory=last.kept)
    assert now.exit is Exit.WRONG


def test_tags_are_versions_where_no_release_says_one(lab: Lab) -> None:
    """Without a release the version is that of the tag that was built."""
    demand = '[artifacts.demands.build]\nkind = "provenance"\nbuilders = ["one"]\n'
    rule = RULE + demand + REMEMBER + 'order = "version"\n'
    verdict = lab.judge(rule, [build()])
    assert [one.version for one in verdict.kept.values()] == ["1"]
    uri = ("buildDefinition", "resolvedDependencies", 0, "uri")
    made = changed(PROVENANCE, *uri, to="git+https://github.com/example/lab@refs/heads/main")
    assert lab.judge(rule, [by("a", statement(made))]).exit is Exit.WRONG


def test_the_memory_survives_and_is_shared(tmp_path: Path) -> None:
    """Many that remember at once lose nothing, and what is newer is not overwritten by what is older."""
    path = tmp_path / "state" / "accepted.json"
    assert load(path) == {}
    one = Accepted(name="a", digests={"sha256": OTHER}, time="2026-01-01T00:00:00+00:00", evidence=("x",))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: remember(path, {f"s{number}": one}), range(20)))
    assert load(path) == {f"s{number}": one for number in range(20)}
    older = Accepted(name="b", digests={"sha256": SHA_B}, time="2025-01-01T00:00:00+00:00")
    remember(path, {"s1": older})
    assert load(path)["s1"] == one
    assert [entry.name for entry in path.parent.iterdir() if entry.name.startswith(".accepted")] == []


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_of_one_stream_the_newest_is_remembered(order: tuple[int, ...]) -> None:
    """Of several that one call accepts in a stream the highest version, or the latest time, stays."""
    versions = [Accepted(name=one, digests={}, version=one) for one in ("1.2", "1.9", "1.10")]
    times = [
        Accepted(name=one, digests={}, time=f"{one}-01-01T00:00:00+00:00") for one in ("2024", "2025", "2026")
    ]
    for accepted in (versions, times):
        assert newest(("s", accepted[at]) for at in order) == {"s": accepted[2]}
    odd = [Accepted(name=one, digests={}, version=one) for one in ("one", "other")]
    assert newest(("s", one) for one in odd) == {"s": odd[1]}


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"version": 2, "streams": {}}', '{"version": 1, "streams": {"a": 1}}', "{"]
)
def test_a_broken_memory_is_no_fresh_start(tmp_path: Path, content: str) -> None:
    """A memory that cannot be read is an error: forgetting would let an older artifact pass."""
    path = tmp_path / "accepted.json"
    path.write_text(content)
    with pytest.raises(FormatError):
        load(path)
    with pytest.raises(FormatError):
        remember(path, {})
    assert path.read_text() == content


@pytest.mark.parametrize("order", ["time", "version"])
def test_a_memory_that_cannot_be_ordered_refuses(order: str) -> None:
    """Where the last one has nothing to compare with, nothing shows that this one is newer."""
    rule = Rule(name="r", match=("*",), demands=(), memory=MemoryRule(order=order))
    last = Accepted(name="a", digests={"sha256": OTHER})
    now = Accepted(name="a", digests={"sha256": SHA_B}, time="2026-01-01T00:00:00+00:00", version="1")
    assert recalled(rule, now, last)[0].status == "fail"
