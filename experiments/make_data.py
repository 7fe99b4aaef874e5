"""Write the generated data of the experiments, from integer arithmetic alone: the same bytes everywhere.

    python experiments/make_data.py data

The NIST files under `data/nist` are not made here; they are measurements, kept as published.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CANDIDATES = 2048
ORDER = 128
SIGNAL_LENGTH = 256

LORENZ_STARTS = """x,y,z
0.0,1.0,0.0
1.0,1.0,1.0
-8.0,8.0,27.0
-1.5,-2.5,20.0
"""
"""The first is Lorenz's own (1963, section 7); the others lie near and inside the attractor."""


def radical_inverse(index: int, base: int, places: int) -> int:
    """`index` written in `base` and mirrored at the point, in units of 10**-places, rounded half up.

    Source: J. H. Halton (1960), Numerische Mathematik 2, 84-90.
    """
    numerator, denominator = 0, 1
    while index:
        index, digit = divmod(index, base)
        numerator, denominator = numerator * base + digit, denominator * base
    scale: int = 10**places
    return (2 * numerator * scale + denominator) // (2 * denominator)


def candidates() -> str:
    """Halton points (bases 2 and 3) over Branin's box [-5, 10] x [0, 15], with four decimals."""
    lines = ["x1,x2"]
    for index in range(1, CANDIDATES + 1):
        x1 = 15 * radical_inverse(index, 2, 4) - 50_000
        x2 = 15 * radical_inverse(index, 3, 4)
        lines.append(f"{_decimal(x1)},{_decimal(x2)}")
    return "\n".join(lines) + "\n"


def _decimal(ten_thousandths: int) -> str:
    whole, part = divmod(abs(ten_thousandths), 10_000)
    return f"{'-' if ten_thousandths < 0 else ''}{whole}.{part:04d}"


def lehmer(seed: int) -> Iterator[int]:
    """Pseudo-random integers in [-99, 99].

    Source: the minimal standard generator, S. K. Park and K. W. Miller (1988), CACM 31, 1192-1201.
    """
    state = seed
    while True:
        state = state * 16_807 % 2_147_483_647
        yield state % 199 - 99


def integers(rows: int, columns: int, seed: int) -> str:
    """A table of small integers, which every reader turns into the same doubles."""
    stream = lehmer(seed)
    return "".join(",".join(str(next(stream)) for _ in range(columns)) + "\n" for _ in range(rows))


def files() -> dict[str, str]:
    """Path below the data folder, and content."""
    return {
        "branin/candidates.csv": candidates(),
        "linalg/matrix.csv": integers(ORDER, ORDER, seed=1),
        "linalg/rhs.csv": integers(ORDER, 1, seed=2),
        "linalg/signal.csv": integers(SIGNAL_LENGTH, 1, seed=3),
        "lorenz/initial.csv": LORENZ_STARTS,
    }


def main() -> None:
    """Write every file below the folder given."""
    parser = argparse.ArgumentParser(description="Write the generated data of the experiments.")
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    for name, text in files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())


if __name__ == "__main__":
    main()
