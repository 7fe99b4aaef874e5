from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.core.errors import DataError, ToolFailed
from repro.tools.nix_errors import UnknownAttribute, failure
from repro.tools.nix_log import TAIL_LINES, NixLog

if TYPE_CHECKING:
    from repro.tools.nix_log import Builder

DRV = "/nix/store/zg1h9bzr0xf06g00lc8liql1pzwckcbg-det.drv"


def line(**event: object) -> bytes:
    return b"@nix " + json.dumps(event).encode()


def start(number: int, drv: str = DRV, machine: str = "") -> bytes:
    return line(action="start", id=number, type=105, fields=[drv, machine, 1, 1], level=3, parent=0, text="")


def message(text: str, level: int = 0, **more: object) -> bytes:
    return line(action="msg", level=level, msg=text, **more)


def log_of(*lines: bytes) -> NixLog:
    ticks = count()
    log = NixLog(lambda: float(next(ticks)))
    for one in lines:
        log.hear(one)
    return log


def test_builders_start_and_stop() -> None:
    """A builder is one start of activity 105 with its derivation and machine, stopped by the same number."""
    told: list[tuple[str, bool]] = []

    def hear(builder: Builder) -> None:
        told.append((builder.name, builder.stopped is None))

    ticks = count()
    log = NixLog(lambda: float(next(ticks)), hear)
    for one in (start(7), start(8, machine="ssh://far"), line(action="stop", id=7)):
        log.hear(one)
    near, far = log.builders
    assert (near.drv, near.machine, near.started, near.stopped) == (DRV, "", 0.0, 2.0)
    assert (far.machine, far.stopped) == ("ssh://far", None)
    assert told == [("det", True), ("det", True), ("det", False)]


def test_the_last_lines_of_a_builder_are_kept() -> None:
    """Of a builder's output the last lines are kept, without terminal escapes, and its phase."""
    lines = [line(action="result", id=1, type=101, fields=[f"\x1b[31mline {n}\x1b[0m"]) for n in range(100)]
    log = log_of(start(1), line(action="result", id=1, type=104, fields=["checkPhase"]), *lines)
    assert list(log.builders[0].tail) == [f"line {n}" for n in range(100 - TAIL_LINES, 100)]
    assert log.builders[0].phase == "checkPhase"


def test_what_was_fetched_is_known() -> None:
    """Activity 108 is a path that a cache gave."""
    assert log_of(line(action="start", id=1, type=108, fields=["/nix/store/x", "https://c"])).substituted == [
        "/nix/store/x"
    ]


def test_the_innermost_cause_without_its_help() -> None:
    """Where Nix does not say which part of a trace is the cause, it is the last that is called an error."""
    text = "error:\n       … while evaluating\n         at x:1:1\n\n       error: the cause\n       at y:2:2"
    (found,) = log_of(message(text)).errors
    assert found.innermost.startswith("the cause")
    (found,) = log_of(message("error: plain")).errors
    assert found.innermost == "plain"
    (found,) = log_of(message("x", raw_msg="\x1b[1mcause\x1b[0m")).errors
    assert found.innermost == "cause"


TAIL = "ast 2 log lines:\n       > one\n       > two"


@pytest.mark.parametrize(
    "text",
    [
        f"error: builder for '{DRV}' failed with exit code 3;\n       l{TAIL}",
        f"error: Cannot build '{DRV}'.\n       Reason: builder failed with exit code 3.\n       L{TAIL}",
    ],
)
def test_a_builder_s_failure_in_both_wordings(text: str) -> None:
    """The wordings before and since 2.32 come to the same: name, exit code, last lines, how to see all."""
    error = failure(log_of(message(text)), "building")
    assert isinstance(error, ToolFailed)
    assert error.message.splitlines() == [
        "building: the builder of det.drv failed with exit code 3",
        "> one",
        "> two",
    ]
    assert error.hint == f"see the whole log: nix log {DRV}"


def test_a_hash_mismatch() -> None:
    """A fixed output with another hash is a matter of data, with both hashes."""
    where = f"error: hash mismatch in fixed-output derivation '{DRV}':"
    text = f"{where}\n  specified: sha256-a=\n     got:    sha256-b="
    error = failure(log_of(message(text)), "building")
    assert isinstance(error, DataError)
    assert ("sha256-a=" in error.message, "sha256-b=" in error.message) == (True, True)


def test_an_attribute_that_is_not_there() -> None:
    """The flake and what was wanted of it can be read from the error."""
    text = "error: flake 'path:/f' does not provide attribute 'packages.x.nope' or 'nope'"
    error = failure(log_of(message(text)), "evaluating")
    assert isinstance(error, UnknownAttribute)
    assert (error.flake, error.wanted) == ("path:/f", "'packages.x.nope' or 'nope'")


def test_silence_is_an_error_too() -> None:
    """A call that fails without a word is still told."""
    assert "said nothing" in failure(log_of(), "building").message


@given(st.lists(st.binary(max_size=60) | st.builds(lambda tail: b"@nix " + tail, st.binary(max_size=60))))
def test_any_lines_are_heard(lines: list[bytes]) -> None:
    """No line is fatal, and none that is not of Nix's making counts as a builder."""
    assert log_of(*lines).builders == []


@given(
    st.lists(
        st.fixed_dictionaries(
            {"action": st.sampled_from(["start", "stop", "result", "msg"])},
            optional={
                "id": st.integers(0, 3) | st.none() | st.text(max_size=2),
                "type": st.sampled_from([101, 104, 105, 108, None, "105"]),
                "fields": st.lists(st.none() | st.text(max_size=3) | st.integers(), max_size=3) | st.none(),
                "msg": st.text(max_size=5) | st.none(),
                "level": st.integers(0, 8) | st.none(),
            },
        )
    )
)
def test_any_events_are_heard(events: list[dict[str, object]]) -> None:
    """Events with fields missing or of other types never fail."""
    log = log_of(*(line(**event) for event in events))
    failure(log, "building")
