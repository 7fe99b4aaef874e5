"""PNG: one leaf of levels per channel."""

from __future__ import annotations

import io
import struct
import warnings
from typing import TYPE_CHECKING, Final

import numpy as np

from repro.core.errors import FormatError
from repro.drift.readers.form import Data, Format, needs
from repro.drift.tree import Array

if TYPE_CHECKING:
    from repro.drift.tree import Tree

MAGIC = b"\x89PNG\r\n\x1a\n"
MAX_PIXELS: Final = 1 << 26
"""Cap on width times height: 67 million."""

GRAY, PALETTE = 0, 3
"""Colour types of the header (PNG, third edition, section 11.2.1)."""

CHANNELS = {
    1: ("gray",),
    2: ("gray", "alpha"),
    3: ("red", "green", "blue"),
    4: ("red", "green", "blue", "alpha"),
}


def read(data: Data, *, name: str, printed: bool) -> Tree:  # noqa: ARG001 - the signature of every reader
    """Channels `gray` or `red`, `green`, `blue`, and `alpha`, of shape (height, width).

    Levels are reals, 0 to 255 (65535 in gray of 16 bits), so that a rule's `atol` is a number of levels.
    """
    raw = bytes(data)
    depth, colour = _header(raw, name)
    with needs("Pillow", extra="images", name=name):
        from PIL import Image
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(raw), formats=["PNG"]) as image:
                if getattr(image, "n_frames", 1) != 1:
                    raise FormatError(f"{name}: more than one picture in one file")
                transparent = "transparency" in image.info
                if colour == PALETTE:
                    pixels = np.asarray(image.convert("RGBA" if transparent else "RGB"))
                elif depth == 1:
                    pixels = np.asarray(image.convert("L"))
                else:
                    pixels = np.asarray(image)
    except (
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        KeyError,
        IndexError,
        struct.error,
        TypeError,
        MemoryError,
        AssertionError,
        Image.DecompressionBombError,
    ) as error:
        raise FormatError(f"{name}: not a PNG image: {error}") from error
    layers = pixels.reshape(*pixels.shape[:2], -1).astype(np.float32)
    names = CHANNELS[layers.shape[2]]
    return {(channel,): Array(values=layers[:, :, number]) for number, channel in enumerate(names)}


def _header(raw: bytes, name: str) -> tuple[int, int]:
    """Bits per sample and colour type, after everything that cannot be read has been refused."""
    if raw[:8] != MAGIC or raw[12:16] != b"IHDR" or len(raw) < 33:  # noqa: PLR2004 - magic and header
        raise FormatError(f"{name}: not a PNG image")
    width, height, depth, colour = struct.unpack(">IIBB", raw[16:26])
    if not width or not height or width * height > MAX_PIXELS:
        raise FormatError(f"{name}: {width} x {height} pixels declared, at most {MAX_PIXELS} are read")
    if depth == 16 and colour != GRAY:  # noqa: PLR2004 - bits
        raise FormatError(
            f"{name}: a colour image of 16 bits per channel, of which only 8 could be read",
            hint="save the channels as arrays (NPY)",
        )
    return depth, colour


FORMAT = Format(name="PNG", read=read, suffixes=(".png",), magic=((0, MAGIC),))
