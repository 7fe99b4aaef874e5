"""What proves a second build, what is published, and in which order things are built again."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.build.clues import Side
from repro.build.order import in_order
from repro.build.proof import check_ran
from repro.build.published import parse_published
from repro.build.report import Outcome, worst
from repro.build.second import variation
from repro.core.check import Status
from repro.core.errors import FormatError
from repro.tools.nix_json import parse_path_info
from repro.tools.nix_log import NixLog

DRV = "/nix/store/zg1h9bzr0xf06g00lc8liql1pzwckcbg-det.drv"
HASH = "sha256-" + "A" * 43 + "="


def started(number: int, drv: str = DRV, machine: str = "") -> dict[str, Any]:
    return {"action": "start", "id": number, "type": 105, "fields": [drv, machine, 1, 1]}


def stopped(number: int) -> dict[str, Any]:
    return {"action": "stop", "id": number}


FETCHED = {"action": "start", "id": 9, "type": 108, "fields": ["/nix/store/x", "https://cache"]}


@pytest.mark.parametrize(
    ("events", "status", "reason"),
    [
        ([started(1), stopped(1)], Status.PASS, ""),
        ([], Status.SKIP, "a hit, not a build"),
        ([FETCHED], Status.SKIP, "it was fetched"),
        ([started(1)], Status.SKIP, "never stopped"),
        ([started(1), stopped(2)], Status.SKIP, "never stopped"),
        ([started(1, machine="ssh://far"), stopped(1)], Status.SKIP, "a remote builder answered (ssh://far)"),
        ([started(1, drv=DRV + "x"), stopped(1)], Status.SKIP, "a hit, not a build"),
    ],
)
def test_only_a_local_builder_from_start_to_end_is_a_proof(
    events: list[dict[str, Any]], status: Status, reason: str
) -> None:
    """A hit, a fetch, another derivation, a remote builder and a builder without an end prove nothing."""
    ticks = count()
    log = NixLog(lambda: float(next(ticks)))
    for event in events:
        log.hear(b"@nix " + json.dumps(event).encode())
    check = check_ran(log, DRV)
    assert check.status is status
    assert reason in check.reason


def published(**output: object) -> dict[str, Any]:
    return {
        "version": 1,
        "derivations": [{"drv": DRV, "outputs": [{"name": "out", "nar_hash": HASH} | output]}],
    }


def test_published_hashes_are_read() -> None:
    """A document of --json gives hashes by derivation and output."""
    assert parse_published(json.dumps(published()).encode(), name="x") == {(DRV, "out"): HASH}


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"version": 2, "derivations": []},
        {"version": 1},
        published(nar_hash="sha256-x"),
        published(nar_hash=None),
        published(name=3),
        {"version": 1, "derivations": [*published()["derivations"], *published()["derivations"]]},
    ],
)
def test_what_publishes_nothing_is_refused(document: object) -> None:
    """Other versions, missing fields, wrong hashes and outputs given twice are unparsable evidence."""
    with pytest.raises(FormatError):
        parse_published(json.dumps(document).encode(), name="x")


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing but FormatError comes out of a file that is not one of ours."""
    with pytest.raises(FormatError):
        parse_published(data, name="x")


@given(st.integers(1, 64), st.integers(1, 100))
def test_a_round_never_has_the_first_build_s_conditions(cores: int, number: int) -> None:
    """Cores and build folder of every round are others than those of the first build."""
    varied = variation(number, Side(started=0, ended=1, cores=cores, folder="/build"))
    assert varied.cores != cores
    assert varied.folder != "/build"


def test_what_is_read_comes_first() -> None:
    """A derivation that another one refers to, directly or not, is built again before it."""
    names = [f"/nix/store/{letter * 32}-{letter}.drv" for letter in "abcd"]
    a, b, c, d = names
    references = {a: [b], b: [c], c: [], d: []}
    infos = parse_path_info(
        json.dumps(
            {drv: {"narHash": HASH, "narSize": 1, "references": found} for drv, found in references.items()}
        ).encode()
    )
    order = in_order([a, b, c, d], infos)
    assert order.index(c) < order.index(b) < order.index(a)


def test_nothing_measured_is_never_success() -> None:
    """No part at all is not measured; one unmeasured part outweighs all that are reproducible."""
    assert worst([]) is Outcome.NOT_MEASURED
    assert worst([Outcome.REPRODUCIBLE, Outcome.NOT_MEASURED]) is Outcome.NOT_MEASURED
    assert worst([Outcome.NOT_MEASURED, Outcome.DIFFERS]) is Outcome.DIFFERS
    assert [int(outcome.exit) for outcome in Outcome] == [0, 1, 3]
