"""A straight line through measured points, by least squares.

Writes {slope, intercept, residuals: [one per point]}.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np


def main(points: Path, out: Path) -> None:
    """Fit the line y = slope x + intercept to the columns of `points`."""
    x, y = np.loadtxt(points, delimiter=",", skiprows=1).T
    design = np.column_stack([x, np.ones_like(x)])
    (slope, intercept), *_ = np.linalg.lstsq(design, y, rcond=None)
    results = {
        "slope": float(slope),
        "intercept": float(intercept),
        "residuals": (y - design @ [slope, intercept]).tolist(),
    }
    out.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
