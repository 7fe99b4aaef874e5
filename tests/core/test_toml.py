"""TOML within limits, and the lines of its keys."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repro.core import toml
from repro.core.errors import ConfigError
from repro.core.places import places

SAMPLE = '''\
# a comment with [header] and key = 1
version = 1
title = """
[decoy]
version = 2
quotes "" and \\""" inside """""
literal = \'\'\'
[[decoy]]
x = 1\'\'\'
a.b . "c.d" = 1
a.b.e = { f = 1, "g" = [10,
  20, # comment ] with, signs }
  { h = 1,   i = "]}" },
] }

[ "quoted key" . 'literal' ]
empty = ""
"tab\\tkey" = 1

[[rules]]
path = "a"

[[rules]]
path = "b" # [c]
[rules.sub]
deep = [[1], [2,
3]]
[[rules.many]]
[[rules.many]]
z = 1979-05-27T07:32:00Z
'''

LINES: list[tuple[toml.Path, int]] = [
    (("version",), 2),
    (("title",), 3),
    (("decoy",), 0),
    (("literal",), 7),
    (("a",), 10),
    (("a", "b", "c.d"), 10),
    (("a", "b", "e"), 11),
    (("a", "b", "e", "f"), 11),
    (("a", "b", "e", "g", 0), 11),
    (("a", "b", "e", "g", 1), 12),
    (("a", "b", "e", "g", 2), 13),
    (("a", "b", "e", "g", 2, "i"), 13),
    (("quoted key",), 16),
    (("quoted key", "literal"), 16),
    (("quoted key", "literal", "empty"), 17),
    (("quoted key", "literal", "tab\tkey"), 18),
    (("rules",), 20),
    (("rules", 0), 20),
    (("rules", 0, "path"), 21),
    (("rules", 1), 23),
    (("rules", 1, "path"), 24),
    (("rules", 1, "missing"), 23),
    (("rules", 1, "sub", "deep", 1), 26),
    (("rules", 1, "sub", "deep", 1, 1), 27),
    (("rules", 1, "many", 0), 28),
    (("rules", 1, "many", 1), 29),
    (("rules", 1, "many", 1, "z"), 30),
    (("rules", 2), 20),
    ((), 0),
]


@pytest.mark.parametrize(("path", "line"), LINES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_kind_of_key_has_its_line(path: toml.Path, line: int, end: str) -> None:
    """The line of a path is where its longest known part stands, whatever strings around it look like."""
    document = toml.parse(SAMPLE.replace("\n", end).encode(), name="f")
    assert (toml.line_of(document.text, path) or 0) == line


def test_other_line_separators_do_not_count() -> None:
    """Only LF and CRLF end a line of TOML; form feeds and Unicode's separators do not."""
    text = 'a = "x\u2028y\u0085z"\nb = 1\n'
    assert toml.line_of(toml.parse(text.encode(), name="f").text, ("b",)) == 2


def paths(node: Any, path: toml.Path = ()) -> set[toml.Path]:  # noqa: ANN401
    """Every path of a parsed document."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return {path for path in [path] if path}.union(*(paths(value, (*path, key)) for key, value in items))


LINE = st.sampled_from(
    [
        *("[a]", "[a.b]", "[[c]]", "[c.d]", "[[c.e]]", "['q.r'.s]", "x = 1", "y.z = '#'", "'' = 2", "l = ''"),
        *('y."w w" = [1, [2],]', 't = {u = "}", v = {}}', 'm = """\n[a]\nx = 1"""', "n = '''\n'''''"),
        *("", "# [a] x = 1", 'e = ["a", # ]\n"b"]', "i = { j = [ {k = 1} , {k = 2} ] }", 's = ""'),
        *("f = -1.5e3", "d = 2020-01-01 10:00:00", 'g = """\\"""a"""""', "h = 'a\\'", 'k = "\\\\"'),
    ]
)


@given(st.lists(LINE, max_size=12))
@example(SAMPLE.splitlines())
def test_the_scanner_finds_exactly_the_paths_that_tomllib_finds(lines: list[str]) -> None:
    """On every valid document the scanner and tomllib agree on which paths there are."""
    text = "\n".join(lines)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert set(places(text)) == paths(tables)


@given(st.binary(max_size=200) | st.text("[]{}.=\"'\\\n#ab1, ", max_size=60).map(str.encode))
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    """Nothing but ConfigError comes out, and whatever parses can be located."""
    try:
        document = toml.parse(data, name="f")
    except ConfigError:
        return
    assert set(places(document.text)) == paths(document.tables)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a = ", "f, line 1: not TOML: Invalid value"),
        (b"a = 1\na = 2\n", "f, line 2, column 6: not TOML: Cannot overwrite a value"),
        (b"ok = 1\nx = '\xff'", "f, line 2: not UTF-8"),
        (b"\xef\xbb\xbfa = 1", "f: starts with a byte order mark"),
        (b"a = " + b"[" * 5000, "f: nested more than 32 levels deep"),
        (b"a = " + b"[" * 50 + b"]" * 50, "f: nested more than 32 levels deep"),
        (b".".join([b"a"] * 200_000) + b" = 1", "f: nested more than 32 levels deep"),
        (b"a = 1\n[b]\nc = [1, 0x8000000000000000]", "f, line 3: b.c[1]: an integer of more than 64 bits"),
        (b"a = " + b"9" * 5000, "f: not a value that TOML can hold"),
        (b"#" * (toml.MAX_BYTES + 1), "f: 1048577 bytes, more than the 1048576 that are read"),
    ],
)
def test_what_is_refused_says_where(data: bytes, message: str) -> None:
    """Each refusal names the file, the line where there is one, and the reason."""
    with pytest.raises(ConfigError) as caught:
        toml.parse(data, name="f")
    assert caught.value.message.startswith(message)


def test_the_limits_hold_what_they_allow() -> None:
    """Nesting and integers at their limits are read."""
    deep = b"a = " + b"[" * 31 + b"]" * 31
    assert toml.parse(deep, name="f").tables
    assert toml.parse(b"a = 0x7fffffffffffffff\nb = -9223372036854775808", name="f").tables["a"] == 2**63 - 1


def test_paths_are_written_as_toml_writes_them() -> None:
    """Keys that are not bare are quoted, positions stand in brackets."""
    assert toml.dotted(("a", "b-c", "d.e", 0, "f g", "\u00e9", "")) == 'a.b-c."d.e"[0]."f g"."\u00e9".""'
