from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REMOTE = ROOT / "data" / "remote" / "files" / "md5"


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    "name",
    [
        "branin/candidates.csv",
        "linalg/matrix.csv",
        "linalg/rhs.csv",
        "linalg/signal.csv",
        "lorenz/initial.csv",
    ],
)
def test_generated_data_has_the_hash_of_its_pointer(name: str, generated_folder: Path) -> None:
    """The generator writes, byte for byte, the data that the pointer names."""
    pointer = (ROOT / "data" / f"{name}.dvc").read_text(encoding="utf-8")
    assert f"md5: {_md5((generated_folder / name).read_bytes())}\n" in pointer


def test_every_object_of_the_remote_has_the_hash_of_its_name() -> None:
    """No object in the remote has been altered, by a change of line endings for example."""
    objects = [path for path in REMOTE.rglob("*") if path.is_file()]
    assert len(objects) == 45
    for path in objects:
        assert _md5(path.read_bytes()) == path.parent.name + path.name.removesuffix(".dir")


def test_the_remote_stays_small() -> None:
    """A clone carries a few hundred kilobytes of data, no more."""
    assert sum(path.stat().st_size for path in REMOTE.rglob("*") if path.is_file()) < 400_000


def test_a_halton_point_is_the_mirrored_index() -> None:
    """6 is 110 in base 2, which mirrors to 0.011, three eighths."""
    import make_data

    assert make_data.radical_inverse(6, 2, 4) == 3750


def test_the_lehmer_generator_is_the_published_one() -> None:
    """From seed 1, the state after 10 000 steps is 1043618065 (Park and Miller 1988, page 1195)."""
    import make_data

    state = 1
    for _ in range(10_000):
        state = state * 16_807 % 2_147_483_647
    assert state == 1_043_618_065
    stream = make_data.lehmer(1)
    assert [next(stream) for _ in range(10_000)][-1] == state % 199 - 99
