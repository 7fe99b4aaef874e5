from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.core.errors import ConfigError
from repro.tools.lock import normalised, parse_lock, read_lock

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = "1" * 64, "2" * 64
GOOD = (
    f"aa==1.0 \\\n    --hash=sha256:{ONE} \\\n    --hash=sha256:{TWO}\n"
    f"bb[x]==2.0 ; python_version < '4' --hash=sha256:{TWO}\n"
)


def test_a_lock_is_read_with_versions_and_hashes() -> None:
    """Every requirement keeps its name, version, marker and hashes."""
    lock = parse_lock(GOOD.encode(), name="x.lock")
    assert [(entry.name, entry.version, len(entry.hashes)) for entry in lock.requirements] == [
        ("aa", "1.0", 2),
        ("bb", "2.0", 1),
    ]
    assert "python_version < '4'" in lock.requirements[1].text


@given(st.permutations(GOOD.replace("\\\n", "").splitlines()), st.text("abc #-=", max_size=20))
def test_comments_order_and_layout_have_no_meaning(lines: list[str], comment: str) -> None:
    """Two locks of the same meaning have the same digest."""
    text = f"# {comment}\n\n" + "".join(f"{line}   # via {comment}\n" for line in lines)
    assert parse_lock(text.encode(), name="x").digest == parse_lock(GOOD.encode(), name="y").digest


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True),
            st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}", fullmatch=True),
            st.lists(st.from_regex(r"[0-9a-f]{64}", fullmatch=True), min_size=1, max_size=3),
        ),
        max_size=5,
    )
)
def test_a_written_lock_reads_back_as_itself(entries: list[tuple[str, str, list[str]]]) -> None:
    """Writing a lock for the installer loses nothing of its meaning."""
    text = "".join(
        f"{name}=={version} " + " ".join(f"--hash=sha256:{value}" for value in hashes) + "\n"
        for name, version, hashes in entries
    )
    lock = parse_lock(text.encode(), name="x")
    assert parse_lock(lock.to_bytes(), name="y") == lock


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("aa==1.0\n", 1, "has no --hash=sha256"),
        (f"aa==1.0 --hash=sha256:{ONE}\nbb==2.0\n", 2, "'bb==2.0' has no --hash"),
        (f"# c\naa>=1.0 --hash=sha256:{ONE}\n", 2, "not of the form name==version"),
        (f"aa==1.* --hash=sha256:{ONE}\n", 1, "not of the form name==version"),
        (f"aa --hash=sha256:{ONE}\n", 1, "not of the form name==version"),
        ("aa==1.0 --hash=md5:" + "0" * 32, 1, "not a sha256 hash"),
        ("aa==1.0 --hash=sha256:beef", 1, "not a sha256 hash"),
        (f"aa==1.0 --hash=sha256:{ONE} --no-binary aa", 1, "not a sha256 hash"),
        ("--index-url http://nowhere.invalid/", 1, "--index-url is an option"),
        ("-e .", 1, "-e is an option"),
        ("-r ../other.txt", 1, "-r is an option"),
        (f"aa @ http://nowhere.invalid/aa.whl --hash=sha256:{ONE}", 1, "not of the form name==version"),
        (f"./aa-1.0.whl --hash=sha256:{ONE}", 1, "not of the form name==version"),
        (f"aa==1.0 \\\n  --index-url x --hash=sha256:{ONE}", 1, "not of the form name==version"),
        ("aa==1.0 \\", 1, "has no --hash=sha256"),
    ],
)
def test_what_is_no_hashed_pin_is_refused(text: str, line: int, said: str) -> None:
    """A requirement that is not pinned and hashed, and every option or address, is refused with its line."""
    with pytest.raises(ConfigError, match=re.escape(said)) as caught:
        parse_lock(text.encode(), name="my.lock")
    assert f"my.lock, line {line}:" in caught.value.message
    assert caught.value.hint


@given(st.binary(max_size=200))
def test_hostile_bytes_are_read_or_refused(data: bytes) -> None:
    """No bytes bring anything but a lock or a ConfigError."""
    try:
        lock = parse_lock(data, name="x")
    except ConfigError:
        return
    assert all(entry.hashes for entry in lock.requirements)


def test_a_missing_lock_is_a_configuration_error(tmp_path: Path) -> None:
    """A lock file that does not exist is named."""
    with pytest.raises(ConfigError, match=r"none\.lock"):
        read_lock(tmp_path / "none.lock")


def test_names_are_compared_as_the_index_does() -> None:
    """Runs of dots, dashes and underscores, and case, make no other name."""
    assert normalised("Foo__bar.-baz") == "foo-bar-baz"
