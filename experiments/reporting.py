"""What all experiments share at their edge: command line options and the result file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def arguments(description: str | None) -> argparse.ArgumentParser:
    """A parser with `--out`, the result file, and `--data`, the folder the experiment reads."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, required=True, help="result file to write")
    parser.add_argument("--data", type=Path, required=True, help="folder of the input data")
    return parser


def write(path: Path, results: object) -> None:
    """Write JSON with sorted keys; `repr` of a float round-trips all of its bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, sort_keys=True, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
