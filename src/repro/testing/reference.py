"""A reference on disk: one JSON file that people can review, and beside it an NPZ for what is large.

    {"version": 1, "arrays": "sha256:…" or null, "values": {
      "loss": {"dtype": "float64", "shape": [3], "values": [0.5, 0.25, 0.125]},
      "weights": {"dtype": "float64", "shape": [100, 200], "npz": "0"},
      "steps": 12}}

Keys are paths as reports write them. Floats are written so that the same value comes back.
"""

from __future__ import annotations

import io
import json
import math
import textwrap
import zipfile
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from repro.core import strictjson
from repro.core.digest import of_bytes
from repro.core.errors import FormatError, ReproError
from repro.drift.pattern import parse_path, path_text
from repro.drift.readers import npzfile
from repro.drift.tree import Array, Empty
from repro.tools.files import read_capped, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from repro.drift.pattern import TreePath
    from repro.drift.tree import Leaf, Tree

VERSION: Final = 1
LARGE: Final = 1000
"""Values of one array from which on it goes into the NPZ."""

MAX_BYTES: Final = 1 << 30
"""Cap on either file, in bytes."""

READABLE: Final = frozenset("biufU")
"""Kinds of arrays that JSON holds without loss, up to 8 bytes a number."""

WIDTH: Final = 100
"""Columns of a line of numbers."""


def write(path: Path, tree: Tree) -> None:
    """Write `path` and, if there is something for it, the NPZ of the same stem."""
    large: dict[str, NDArray[Any]] = {}
    entries = []
    for place, leaf in tree.items():
        entries.append(f"    {json.dumps(path_text(place))}: {_encoded(leaf, large)}")
    packed = _packed(large) if large else b""
    arrays = json.dumps(str(of_bytes(packed)) if large else None)
    body = ",\n".join(entries)
    text = f'{{\n  "version": {VERSION},\n  "arrays": {arrays},\n  "values": {{\n{body}\n  }}\n}}\n'
    if large:
        write_atomic(path.with_suffix(".npz"), packed)
    write_atomic(path, text.encode())
    if not large:
        path.with_suffix(".npz").unlink(missing_ok=True)


def read(path: Path) -> Tree:
    """The tree that was written. Raises FormatError for anything that `write` would not write."""
    document = strictjson.parse(read_capped(path, MAX_BYTES), name=path.name, allow_nan=True)
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise FormatError(f"{path.name}: not a reference of version {VERSION}")
    try:
        large = _unpacked(path.with_suffix(".npz"), document["arrays"])
        return {_path(key): _leaf(entry, large) for key, entry in document["values"].items()}
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise FormatError(f"{path.name}: not a reference: {type(error).__name__}: {error}") from error


def remove(path: Path) -> None:
    """Remove both files, if they are there."""
    for file in (path, path.with_suffix(".npz")):
        file.unlink(missing_ok=True)


def _encoded(leaf: Leaf, large: dict[str, NDArray[Any]]) -> str:
    if isinstance(leaf, Empty):
        return json.dumps({"empty": leaf.kind})
    if not isinstance(leaf, Array):
        return json.dumps(leaf, ensure_ascii=False)
    array = leaf.values
    head = f'{{"dtype": {json.dumps(array.dtype.str)}, "shape": {list(array.shape)}'
    numbers = array.dtype.kind == "U" or array.dtype.itemsize <= 8  # noqa: PLR2004 - bytes of a double
    if array.size > LARGE or array.dtype.kind not in READABLE or not numbers:
        name = str(len(large))
        large[name] = array
        return f'{head}, "npz": "{name}"}}'
    return f'{head}, "values": {_values(array)}}}'


def _values(array: NDArray[Any]) -> str:
    """The values in C order, wrapped where they are many."""
    flat = array.reshape(-1)
    if flat.dtype.kind == "f" and flat.dtype.itemsize < 8:  # noqa: PLR2004 - bytes of a double
        items = [float(str(value)) for value in flat]  # the shortest digits that give the value back
    else:
        items = flat.tolist()
    words = [json.dumps(item, ensure_ascii=False) for item in items]
    line = f"[{', '.join(words)}]"
    if len(line) <= WIDTH:
        return line
    if flat.dtype.kind == "U":
        return "[\n      " + ",\n      ".join(words) + "]"
    body = textwrap.fill(
        ", ".join(words), WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6, break_on_hyphens=False
    )
    return f"[\n{body}]"


def _packed(large: dict[str, NDArray[Any]]) -> bytes:
    """An NPZ whose bytes depend on the arrays alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in large.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy")  # its time is 1980, not now
            archive.writestr(info, member.getvalue(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _unpacked(path: Path, digest: str | None) -> Tree:
    if digest is None:
        return {}
    try:
        data = read_capped(path, MAX_BYTES)
    except OSError as error:
        raise FormatError(
            f"{path.name}: cannot be read: {error.strerror}", hint="restore it from git, or accept anew"
        ) from error
    if str(of_bytes(data)) != digest:
        raise FormatError(
            f"{path.name}: not the file that {path.stem}.json was written with",
            hint="commit both files together; restore them from git, or accept anew",
        )
    return npzfile.read(data, name=path.name, printed=False)


def _path(text: str) -> TreePath:
    try:
        return parse_path(text)
    except ReproError as error:
        raise FormatError(f"not a path: {text!r}") from error


def _leaf(entry: Any, large: Tree) -> Leaf:  # noqa: ANN401 - JSON
    if not isinstance(entry, dict):
        if isinstance(entry, list):
            raise FormatError("a list where a value must be")
        return entry  # type: ignore[no-any-return]
    if "empty" in entry:
        return Empty(kind=str(entry["empty"]))
    if "npz" in entry:
        leaf = large[(entry["npz"],)]
        if not isinstance(leaf, Array) or list(leaf.values.shape) != entry["shape"]:
            raise FormatError(f"the array {entry['npz']} is not of the shape that is written")
        return leaf
    dtype, shape = np.dtype(entry["dtype"]), tuple(entry["shape"])
    if dtype.kind not in READABLE or math.prod(shape) != len(entry["values"]):
        raise FormatError(f"an array of {dtype} and shape {shape} with {len(entry['values'])} values")
    return Array(values=np.array(entry["values"], dtype=dtype).reshape(shape))
