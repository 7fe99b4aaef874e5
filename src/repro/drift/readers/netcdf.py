"""NetCDF-4: what its conventions add to HDF5 (docs.unidata.ucar.edu, "NetCDF-4/HDF5 File Format").

Fill values are NaN, so that a hole is a pattern and no large number; dimensions without a variable hold
nothing; the first dimension's variable is the coordinate of a series.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np

from repro.core.errors import FormatError
from repro.drift.readers.form import Data, Format

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from repro.drift.pattern import TreePath

INTERNAL: Final = frozenset({
    "CLASS", "DIMENSION_LIST", "NAME", "REFERENCE_LIST", "_NCProperties", "_Netcdf4Coordinates",
    "_Netcdf4Dimid", "_nc3_strict",
})  # fmt: skip
"""Attributes by which the library finds its dimensions, and the versions that wrote the file."""

BARE = b"This is a netCDF dimension but not a netCDF variable"
FILLS = ("_FillValue", "missing_value")


def is_netcdf(file: Any) -> bool:  # noqa: ANN401 - an h5py file
    """Whether a file follows the conventions: it says so, or has dimension scales at its root."""
    if "_NCProperties" in file.attrs:
        return True
    return any(key in file.attrs for key in ("_nc3_strict", "Conventions"))


def is_bare_dimension(item: Any) -> bool:  # noqa: ANN401 - an h5py dataset
    """Whether a dataset only stands for the length of a dimension."""
    label = item.attrs.get("NAME", b"") if "NAME" in item.attrs else b""
    raw = label.encode() if isinstance(label, str) else bytes(label)
    return raw.startswith(BARE)


def without_fill(values: NDArray[Any], item: Any) -> NDArray[Any]:  # noqa: ANN401 - an h5py dataset
    """Real values with NaN where the variable's fill value stands."""
    if values.dtype.kind != "f":
        return values
    for key in FILLS:
        if key in item.attrs:
            fills = np.asarray(item.attrs[key])
            if fills.size == 1 and fills.dtype.kind in "fiu":
                holes = values == fills.reshape(())[()]
                if holes.any():
                    values = np.where(holes, np.array(np.nan, dtype=values.dtype), values)
    return values


def coordinate(item: Any, file: Any) -> TreePath | None:  # noqa: ANN401 - an h5py dataset and its file
    """The path of the variable along the first axis, if there is one beside the dataset itself."""
    if "DIMENSION_LIST" not in item.attrs or not item.shape:
        return None
    scales = item.attrs["DIMENSION_LIST"][0]
    if len(scales) == 0:
        return None
    scale = file[scales[0]]
    if is_bare_dimension(scale) or scale.name == item.name or scale.name is None:
        return None
    return tuple(scale.name.strip("/").split("/"))


def refuse_classic(data: Data, *, name: str, printed: bool) -> NoReturn:  # noqa: ARG001 - a reader's signature
    """The format before NetCDF-4 is another one; FormatError says how to convert it."""
    raise FormatError(f"{name}: NetCDF classic, not NetCDF-4", hint="convert it: nccopy -k nc4 OLD NEW")


CLASSIC = Format(
    name="NetCDF classic",
    read=refuse_classic,
    magic=tuple((0, b"CDF" + bytes([version])) for version in (1, 2, 5)),
)
