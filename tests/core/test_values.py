from __future__ import annotations

import hashlib
import json
import math
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repro.core import canonical, digest, strictjson
from repro.core.digest import LENGTHS, Digest
from repro.core.errors import FormatError
from repro.tools import host, process

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)
"""Every kind of value that JSON can hold."""


@given(VALUES)
@example(-0.0)
@example(5e-324)
@example(2**53 + 1)
@example({"\u2028": "\x7f\0"})
def test_canonical_bytes_come_back_as_the_same_value(value: object) -> None:
    """Both written forms are strict JSON that reads back as the value, to the last bit of a number."""
    for data in (canonical.to_bytes(value), canonical.to_pretty_bytes(value)):
        assert repr(strictjson.parse(data, name="v")) == repr(json.loads(json.dumps(value, sort_keys=True)))


@given(st.dictionaries(st.text(), st.integers()))
def test_the_order_of_keys_leaves_no_trace(table: dict[str, int]) -> None:
    """Tables with the same content have the same bytes and digest, whatever order they were filled in."""
    other = dict(reversed(table.items()))
    assert canonical.to_bytes(table) == canonical.to_bytes(other)
    assert canonical.to_pretty_bytes(table) == canonical.to_pretty_bytes(other)
    assert digest.of_value(table) == digest.of_value(other)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, [math.nan], {"a": math.inf}])
def test_what_is_not_json_is_never_written(value: object) -> None:
    """NaN and infinities have no canonical form."""
    for write in (canonical.to_bytes, canonical.to_pretty_bytes):
        with pytest.raises(ValueError, match="JSON"):
            write(value)


def test_canonical_bytes_are_the_documented_form() -> None:
    """Sorted keys, no spaces, UTF-8 as it is; the pretty form ends with a newline."""
    value = {"b": [1, 2.5, None, True], "a": "é\n"}
    assert canonical.to_bytes(value) == '{"a":"é\\n","b":[1,2.5,null,true]}'.encode()
    assert canonical.to_pretty_bytes({"a": 1}) == b'{\n  "a": 1\n}\n'


def test_names_in_no_encoding_can_be_written() -> None:
    """A file name that is not UTF-8 gives bytes, different from those of its escaped look-alike."""
    name = b"a\xff".decode(errors="surrogateescape")
    assert canonical.to_bytes(name) == b'"a\\udcff"'
    assert canonical.to_bytes(name) != canonical.to_bytes(r"a\udcff")
    assert canonical.to_pretty_bytes(name) == b'"a\\udcff"\n'


def test_bytes_do_not_depend_on_the_hash_seed() -> None:
    """Two processes with different hash seeds write the same bytes and digest."""
    code = (
        "from repro.core import canonical, digest; "
        "v = {str(i): sorted({'a', 'b', str(i)}) for i in range(99)}; "
        "print(canonical.to_bytes(v), digest.of_value(v))"
    )
    seen = {
        process.run([sys.executable, "-c", code], env={**host.variables(), "PYTHONHASHSEED": seed}).text
        for seed in ("1", "2", "3")
    }
    assert len(seen) == 1


@given(st.binary(max_size=100))
def test_a_digest_is_the_sha_256_of_the_bytes(data: bytes) -> None:
    """`of_bytes` is SHA-256 as the standard library has it, and text and back is the identity."""
    found = digest.of_bytes(data)
    assert found == Digest("sha256", hashlib.sha256(data).hexdigest())
    assert Digest.parse(str(found)) == found
    assert found.hex.startswith(found.short)


def test_the_standard_vector() -> None:
    """FIPS 180-4's example "abc"."""
    assert str(digest.of_bytes(b"abc")).endswith(
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


@pytest.mark.parametrize(
    "text",
    ["", ":", "sha256:", "sha256", "sha224:" + "0" * 56, "sha256:" + "0" * 63, "sha256:" + "0" * 65,
     "sha256:" + "G" * 64, "sha256:" + "A" * 64, "sha256:" + "0" * 63 + "\n", "md5:" + "0" * 64,
     " sha256:" + "0" * 64, "sha256:" + "\u0660" * 64],
)  # fmt: skip
def test_what_is_no_digest_is_refused(text: str) -> None:
    """Unknown algorithms, wrong lengths and anything but lower-case hexadecimal digits are no digest."""
    with pytest.raises(FormatError, match="not a"):
        Digest.parse(text)


def test_digests_of_different_algorithms_are_never_equal() -> None:
    """The same digits under another algorithm are another digest."""
    both = [Digest(name, "0" * 32) for name, length in LENGTHS.items() if length == 32]
    assert len(set(both)) == len(both) > 1


@given(
    st.binary(max_size=60) | st.text(alphabet='[]{}":,0123eE.-+ntrufalse\\ud8 ', max_size=60).map(str.encode)
)
@example(b'{"a": 1, "a": 2}')
@example(b"\xff")
@example(b"1" * 5000)
@example(b'"\\ud800"')
@example(b'{"\\udfff": 1}')
def test_any_bytes_are_read_as_json_or_refused(data: bytes) -> None:
    """What is accepted is what Python's json reads, and can be written again; all else is a FormatError."""
    try:
        value = strictjson.parse(data, name="here")
    except FormatError as error:
        assert error.message.startswith("here: ")  # noqa: PT017 - the law is about either outcome
        return
    assert repr(value) == repr(json.loads(data))
    assert strictjson.parse(canonical.to_bytes(value), name="again") == value


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "'c' is given twice"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ('"é"'.encode("latin-1"), "utf-8"),
        ("{}".encode("utf-16"), "here"),
        (b"", "not JSON"),
        (b"{} {}", "line 1, column 4"),
        (b"[1,\n 2,]", "line 2"),
        (b"NaN", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"1e999", "larger than a double"),
        (b"-1e999", "larger than a double"),
        (b"9" * 5000, "digit"),
        (b"[" * 201 + b"]" * 201, "200 levels"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "200 levels"),
        (b"[" * 1_000_000, "200 levels"),
        (b'"\\ud800"', "half a character"),
        (b'{"\\uDC00": 1}', "half a character"),
        (b'{"a": 1', "not JSON"),
    ],
)  # fmt: skip
def test_each_refusal_says_why(data: bytes, words: str) -> None:
    """Every defect is refused with the document's name and the reason."""
    with pytest.raises(FormatError, match=words) as caught:
        strictjson.parse(data, name="here")
    assert caught.value.message.startswith("here: ")


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"[" * 200 + b"]" * 200, None),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\\\ud800"', "\\ud800"),
        (b"9007199254740993", 2**53 + 1),
        (b"1e-999", 0.0),
        (b" \n[ ] ", []),
    ],
)
def test_what_is_only_unusual_is_read(data: bytes, value: object) -> None:
    """Depth up to the cap, paired escapes, large integers and tiny numbers are read as what they are."""
    found = strictjson.parse(data, name="here")
    assert found == value if value is not None else found


def test_the_cap_is_exact() -> None:
    """A document of the capped size is read, one byte more is refused before parsing."""
    assert strictjson.parse(b"[1]", name="here", max_bytes=3) == [1]
    with pytest.raises(FormatError, match="4 bytes, more than the 3"):
        strictjson.parse(b"[1 ]", name="here", max_bytes=3)


def test_results_may_hold_what_pythons_json_writes() -> None:
    """With `allow_nan`, the tokens of Python's json and numbers beyond a double are read as floats."""
    found = strictjson.parse(b"[NaN, Infinity, -Infinity, 1e999]", name="here", allow_nan=True)
    assert math.isnan(found[0])
    assert found[1:] == [math.inf, -math.inf, math.inf]
