"""The experiments are scripts beside their modules: their folder is put on the path, as running one does."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "experiments"))

REMOTE = ROOT / "data" / "remote" / "files" / "md5"


def pointer(name: str) -> str:
    """The hash that a pointer below `data` records."""
    text = (ROOT / "data" / name).read_text(encoding="utf-8")
    return next(line.split("md5:")[1].strip() for line in text.splitlines() if "md5: " in line)


def stored(digest: str) -> Path:
    """The object of that hash in the remote inside the repository."""
    return REMOTE / digest[:2] / digest[2:]


@pytest.fixture(scope="session")
def nist_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The NIST files, taken from the remote and not from the work tree, which may not have them yet."""
    folder = tmp_path_factory.mktemp("nist")
    for entry in json.loads(stored(pointer("nist.dvc")).read_bytes()):
        shutil.copyfile(stored(entry["md5"]), folder / entry["relpath"])
    return folder


@pytest.fixture(scope="session")
def generated_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generated data, made anew."""
    import make_data

    folder = tmp_path_factory.mktemp("generated")
    for name, text in make_data.files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    return folder
