"""Programs made by hand: ELF files that hold nothing but the sections they are asked to."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any


def elf(sections: dict[str, bytes], *, wide: bool = True, order: str = "<") -> bytes:
    """An ELF file with `sections`, of 64 or 32 bits, in either order of bytes."""
    names = b"\0"
    places = []
    body = b""
    start = 64 if wide else 52
    for name, data in [*sections.items(), (".shstrtab", b"")]:
        places.append((len(names), start + len(body), len(data)))
        names += name.encode() + b"\0"
        body += data
    places[-1] = (places[-1][0], start + len(body), len(names))
    body += names
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    word = "Q" if wide else "I"
    end, entry = start + len(body), 64 if wide else 40
    fields = (3, 62, 1, 0, 0, end, 0, start, 0, 0, entry, len(places), len(places) - 1)
    head = ident + struct.pack(f"{order}HHI{word}{word}{word}IHHHHHH", *fields)
    form = f"{order}II{word}{word}{word}{word}II{word}{word}"
    table = b"".join(struct.pack(form, name, 1, 0, 0, at, size, 0, 0, 1, 0) for name, at, size in places)
    return head + body + table


def dep_v0(packages: list[dict[str, Any]]) -> bytes:
    """The section that `cargo auditable` writes."""
    return zlib.compress(json.dumps({"packages": packages}).encode())


def go_section(version: str, lines: str) -> bytes:
    """The section that Go's linker writes, since Go 1.18."""
    fenced = b"0" * 16 + lines.encode() + b"1" * 16
    texts = b"".join(_length(len(text)) + text for text in (version.encode(), fenced))
    return b"\xff Go buildinf:" + bytes([8, 2]) + bytes(16) + texts


def _length(size: int) -> bytes:
    found = bytearray()
    while size > 0x7F:
        found.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*found, size])
