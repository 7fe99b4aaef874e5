"""A `repro.toml` that was found right is remembered, and only that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from repro.core.errors import ConfigError
from repro.flows import config, remembered

if TYPE_CHECKING:
    from repro.flows.config import Project

SHIPPED = Path(__file__).parents[2] / "repro.toml"

WHOLE = b"""\
version = 1

[environments.z]
kind = "host"

[environments.a]
kind = "venv"
lock = "requirements.lock"
python = "3.12"

[[rules]]
path = "x"
srtol = 1e-300
scale = 2.5
reason = "r"
expires = 2030-12-31

[experiments.z]
command = ["true", "{b}", "{a}", "{out}"]
environment = "a"
outputs = ["r.json"]
timeout = 0.1
network = true
vary_threads = [2, 1]
variables = { B = "\xc3\xa9", A = "" }
matrix = { b = [2, 0.5, "x"], a = { range = [-1, 2] } }

[experiments.a]
command = ["true", "{seed}"]
environment = "z"
seed = -7
outputs = ["r.json"]
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own for each test."""
    monkeypatch.setenv("REPRO_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def checked(text: bytes) -> Project:
    """The project of these bytes, checked and remembered."""
    project = config.parse(text, root=Path("/here"))
    remembered.remember(project)
    return project


def orders(project: Project) -> list[list[str]]:
    """The orders that mean something: of environments, experiments, and axes."""
    axes = [list(experiment.axes) for experiment in project.experiments.values()]
    return [list(project.environments), list(project.experiments), *axes]


@pytest.mark.parametrize("text", [WHOLE, SHIPPED.read_bytes()], ids=["whole", "shipped"])
def test_what_is_recalled_is_what_was_checked(text: bytes) -> None:
    """The project comes back equal, in every order that means something, and for the folder that asks."""
    project = checked(text)
    recalled = remembered.recall(text, Path("/here"))
    assert recalled == project
    assert recalled is not None
    assert orders(recalled) == orders(project)
    elsewhere = remembered.recall(text, Path("/there"))
    assert elsewhere is not None
    assert elsewhere.root == Path("/there")


def test_other_bytes_are_checked_anew(tmp_path: Path) -> None:
    """One changed byte is another file: nothing is recalled, and a mistake in it is refused."""
    checked(WHOLE)
    assert remembered.recall(WHOLE + b"\n", Path("/here")) is None
    (tmp_path / config.FILE).write_bytes(WHOLE.replace(b"network", b"netwrok"))
    for _ in range(2):
        with pytest.raises(ConfigError, match="netwrok"):
            config.load(tmp_path)


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b'{"environments": [1], "experiments": []}', b"\xff"])
def test_what_is_damaged_is_forgotten(tmp_path: Path, cache: Path, damage: bytes) -> None:
    """A kept file that is not whole leads to checking again, and is replaced."""
    project = checked(WHOLE)
    [file] = cache.rglob("*.json")
    whole = file.read_bytes()
    file.write_bytes(damage)
    assert remembered.recall(WHOLE, Path("/here")) is None
    (tmp_path / config.FILE).write_bytes(WHOLE)
    assert config.load(tmp_path).experiments == project.experiments
    assert file.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, cache: Path) -> None:
    """Where the cache is a file, everything is checked each time."""
    cache.write_text("in the way", encoding="utf-8")
    (tmp_path / config.FILE).write_bytes(WHOLE)
    assert config.load(tmp_path).experiments == config.load(tmp_path).experiments
    assert remembered.recall(WHOLE, tmp_path) is None
