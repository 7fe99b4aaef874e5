"""Every reader under random and damaged bytes; `tests/fuzz/readers.py` does the same guided by coverage."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from typing import Any

import h5netcdf
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from repro.core.errors import FormatError
from repro.drift.readers.choose import BUILT_IN, find, folder_of, read


def npy(values: Any) -> bytes:  # noqa: ANN401 - anything numpy takes
    file = io.BytesIO()
    np.save(file, np.asarray(values))
    return file.getvalue()


def npz(**arrays: Any) -> bytes:  # noqa: ANN401 - anything numpy takes
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def hdf5() -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as made:
        made["group/x"] = np.arange(5.0)
        made.create_dataset("packed", data=np.arange(100.0), chunks=(10,), compression="gzip")
        made["words"] = ["a", "bc"]
        made.attrs["units"] = "m"
    return file.getvalue()


def netcdf() -> bytes:
    file = io.BytesIO()
    with h5netcdf.File(file, "w") as made:
        made.dimensions = {"t": 4}
        made.create_variable("t", ("t",), data=np.arange(4.0))
        made.create_variable("x", ("t",), data=np.arange(4.0), fillvalue=np.float64(3.0))
    return file.getvalue()


TABLE = pa.table({"x": [1.5, None], "n": [1, 2], "s": ["a", None], "l": [[1, 2], []]})


def parquet() -> bytes:
    file = io.BytesIO()
    pa.parquet.write_table(TABLE, file)
    return file.getvalue()


def feather() -> bytes:
    file = io.BytesIO()
    pa.feather.write_feather(TABLE, file)
    return file.getvalue()


def arrow_stream() -> bytes:
    file = io.BytesIO()
    with pa.ipc.new_stream(file, TABLE.schema) as writer:
        writer.write_table(TABLE)
    return file.getvalue()


def png() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(file, "PNG")
    return file.getvalue()


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("a.csv", b"x\n1.5\n")
        made.writestr("b/c.json", b"[1.5]")
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as made:
        info = tarfile.TarInfo("a.csv")
        info.size = 6
        made.addfile(info, io.BytesIO(b"x\n1.5\n"))
    return file.getvalue()


VALID: dict[str, bytes] = {
    "a.json": b'{"a": [1.5, NaN, -Infinity], "b": [[1, 2], [3]], "c": {"d": null, "e": "x"}, "f": true}',
    "a.jsonl": b'{"a": 1.5}\n{"a": 2}\n',
    "a.toml": b'a = [1.5, nan]\nb = 1979-05-27\n[t]\n"c.d" = "x"\n',
    "a.yaml": b"a: &x [1.5, .nan]\nb: *x\nc: |\n  text\n'd': ~\n",
    "a.csv": b"name,x,n\nfoo,1.5,1\nbar,nan,2\n",
    "a.tsv": b"1.5\t2\n3\t4\n",
    "a.npy": npy([[1.5, 2.5], [3.5, 4.5]]),
    "a.npz": npz(a=np.arange(5), b=np.array(["x", "yz"])),
    "a.h5": hdf5(),
    "a.nc": netcdf(),
    "classic.nc": b"CDF\x01" + bytes(28),
    "a.parquet": parquet(),
    "a.feather": feather(),
    "a.arrows": arrow_stream(),
    "a.mtx": b"%%MatrixMarket matrix coordinate real general\n% c\n2 2 2\n1 1 1.5\n2 2 2.5\n",
    "a.png": png(),
    "a.log": b"step 1 loss 0.25\nversion 1.2.3 nan\n",
    "a.pkl": b"\x80\x04N.",
}
ARCHIVES: dict[str, bytes] = {
    "a.zip": zipped(),
    "a.tar": tarred(),
    "a.tar.gz": gzip.compress(tarred()),
    "a.csv.bz2": bz2.compress(b"x\n1.5\n"),
    "a.csv.xz": lzma.compress(b"x\n1.5\n"),
}
REFUSED = {"classic.nc", "a.pkl"}


def test_every_format_has_an_example() -> None:
    """The fuzzing below reaches every reader."""
    assert {find(data, name=name).name for name, data in VALID.items()} == {form.name for form in BUILT_IN}
    for name, data in VALID.items():
        if name not in REFUSED:
            assert read(data, name=name)


@pytest.mark.parametrize(
    "name", sorted(set(VALID) - {"a.csv", "a.tsv", "a.log", "a.toml", "a.yaml"} - REFUSED)
)
def test_content_counts_before_the_suffix(name: str) -> None:
    """A file of a wrong or no suffix is read as what it is."""
    data = VALID[name]
    signs = {form.name for form in BUILT_IN if form.magic}
    form = find(data, name=name)
    if form.name in signs or form.name in {"NPZ", "JSON"}:
        assert find(data, name="result") == form
    if form.name in signs:
        assert find(data, name="result.csv") == form


@pytest.mark.parametrize("name", [*VALID, *ARCHIVES])
@given(data=st.binary(max_size=200), cut=st.integers(0, 64))
def test_random_bytes_raise_format_errors_only(name: str, data: bytes, cut: int) -> None:
    """Whatever a file holds, its reader gives a tree or a FormatError that names the file."""
    _reads_or_refuses(name, data)
    _reads_or_refuses(name, {**VALID, **ARCHIVES}[name][:cut] + data)


MUTATIONS = st.lists(
    st.tuples(
        st.integers(0, 10**6),
        st.sampled_from([b"", b"\x00", b"\xff", b'"', b"[", b"}", b"9", b",", b"\n", b"("]),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("name", [*VALID, *ARCHIVES])
@given(mutations=MUTATIONS, cut=st.integers(0, 10**6), insert=st.booleans())
def test_damaged_files_raise_format_errors_only(
    name: str, mutations: list[tuple[int, bytes]], cut: int, *, insert: bool
) -> None:
    """A valid file with bytes changed, inserted, removed or cut off never gives another exception."""
    data = {**VALID, **ARCHIVES}[name]
    for place, piece in mutations:
        at = place % (len(data) + 1)
        data = data[:at] + piece + data[at + (0 if insert else 1) :]
    _reads_or_refuses(name, data)
    _reads_or_refuses(name, data[: cut % (len(data) + 1)])


def _reads_or_refuses(name: str, data: bytes) -> None:
    for printed in (False, True):
        try:
            found = folder_of(data, name=name)
            tree = found if found is not None else read(data, name=name, printed=printed)
        except FormatError as error:
            assert name in error.message  # noqa: PT017 - both outcomes are allowed
        else:
            assert isinstance(tree, dict)
