"""`repro.toml`: what is accepted, and what each mistake is told."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repro.core import toml
from repro.core.errors import ConfigError, UsageError
from repro.core.exits import Exit
from repro.flows import config, tables
from repro.flows.tables import (
    DefaultsTable,
    EnvironmentTable,
    ExperimentTable,
    GateTable,
    ProjectTable,
    RangeTable,
    RuleTable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from repro.flows.config import Project

HERE = Path(__file__).resolve().parents[2]

WHOLE = """\
version = 1

[defaults]
environment = "here"
timeout = 600
variables = { LANG = "C", B = "1" }

[environments.here]
kind = "host"

[environments.locked]
kind = "venv"
lock = "./requirements.lock"
python = "3.12"

[[rules]]
path = "trials[*].regret"
rtol = 1e-6
reason = "summation order"
expires = 2030-12-31

[experiments.noise]
description = "Noise."
command = ["python", "noise.py", "--sigma={sigma}", "{seed}", "{out}/a.json", "{{}}", "{data}", "{code}"]
environment = "locked"
inputs = ["data/noise/"]
sources = ["noise.py", "lib/**/*.py"]
outputs = ["a.json", "sub/b.npy"]
variables = { B = "2" }
timeout = 1.5
network = true
vary_threads = [1, 2]

[experiments.noise.matrix]
sigma = [0, 0.1, "x-1"]
seed = { range = [7, 9] }

[[experiments.noise.rules]]
output = "*.npy"
atol = 1
reason = "noise"

[experiments.plain]
command = ["true", "{seed}"]
seed = -1
outputs = ["a.json"]
"""


def parse(text: str) -> Project:
    return config.parse(text.encode(), root=Path("/nowhere"))


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert caught.value.exit is Exit.USAGE
    return caught.value


def test_every_key_is_understood_and_defaults_are_filled_in() -> None:
    """An experiment is what its table says, joined with the defaults and with what the format supplies."""
    project = parse(WHOLE)
    noise, plain = project.experiment("noise"), project.experiment("plain")
    assert noise.axes == {"sigma": (0, 0.1, "x-1"), "seed": (7, 8)}
    assert noise.environment == "locked"
    assert noise.inputs == ("data/noise",)
    assert noise.variables == {"LANG": "C", "B": "2"}
    assert (noise.timeout_seconds, noise.network, noise.vary_threads) == (1.5, True, (1, 2))
    assert [rule.rtol for rule in noise.rules.rules] == [1e-6, 1e-10]
    assert noise.rules.rules[0].expires == date(2030, 12, 31)
    assert (plain.environment, plain.timeout_seconds, plain.network) == ("here", 600.0, False)
    assert plain.sources == ("**",)
    assert plain.inputs == ()
    assert len(plain.rules.rules) == 1
    assert project.text == WHOLE.encode()


def test_this_repository_is_configured() -> None:
    """The file at the root of this repository is accepted."""
    assert config.load(HERE).experiments


BASE = 'version = 1\n[environments.e]\nkind = "host"\n[defaults]\nenvironment = "e"\n'
RUN = '[experiments.a]\ncommand = ["p", "{out}"]\noutputs = ["o.json"]\n'
AXES = '[experiments.a]\ncommand = ["p", "{s}"]\noutputs = ["o.json"]\n'

MISTAKES = tomllib.loads(Path(__file__).with_name("config_mistakes.toml").read_text())["mistake"]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: str(mistake["message"])[:50])
def test_each_mistake_says_file_line_key_and_what_next(mistake: dict[str, str]) -> None:
    """A mistake is told once, with the file, its line, the full path of the key, and the next step."""
    error = refused(mistake["text"])
    assert error.message.startswith(mistake["message"])
    assert "\n" not in error.message
    assert mistake.get("hint", "") in error.hint


def test_several_mistakes_are_told_together() -> None:
    """All mistakes of one file come in one error, one line each, with their hints; many are cut."""
    error = refused('version = 1\nrulez = 1\n[environments.e]\nkind = "host"\nlok = "x"\n')
    assert error.message.splitlines() == [
        "repro.toml, line 5: environments.e.lok: unknown key (did you mean 'lock'?)",
        "repro.toml, line 2: rulez: unknown key (did you mean 'rules'?)",
    ]
    many = refused("version = 1\n" + "".join(f"x{number} = 1\n" for number in range(50)))
    assert many.message.splitlines()[-1] == "repro.toml: and 42 more"
    assert len(many.message.splitlines()) == 9


LEVELS: list[tuple[type[tables.Table], str]] = [
    (ProjectTable, "version = 1\n{key} = 1\n"),
    (DefaultsTable, "version = 1\n[defaults]\n{key} = 1\n"),
    (EnvironmentTable, 'version = 1\n[environments.rules]\nkind = "host"\n{key} = 1\n'),
    (ExperimentTable, BASE + RUN.replace(".a]", ".rules]") + "{key} = 1\n"),
    (RangeTable, BASE + AXES + "[experiments.a.matrix.s]\nrange = [1, 2]\n{key} = 1\n"),
    (RuleTable, 'version = 1\n[[rules]]\npath = "x"\n{key} = 1\n'),
    (RuleTable, BASE + RUN + '[[experiments.a.rules]]\npath = "x"\n{key} = 1\n'),
    (GateTable, 'version = 1\n[gate.rules]\ncommand = ["a"]\nstages = ["release"]\n{key} = 1\n'),
]


def typos(word: str) -> Iterator[str]:
    """Every word that lacks one letter, has two swapped, one doubled, replaced or too many."""
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]
        yield word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
        yield word[:at] + word[at] + word[at:]
        yield word[:at] + "x" + word[at + 1 :]
        yield word[:at] + "x" + word[at:]


@pytest.mark.parametrize(("table", "text"), LEVELS)
def test_a_typo_in_any_key_at_any_level_gets_the_right_suggestion(
    table: type[tables.Table], text: str
) -> None:
    """One slip in a key is always answered by that key, or by another that is as near."""
    keys = set(table.model_fields)
    for key in keys:
        for typo in set(typos(key)) - keys:
            if len(typo) < 3:
                continue
            document = toml.parse(text.replace("{key}", typo).encode(), name="f")
            with pytest.raises(ConfigError) as caught:
                config.parse(document.text.encode(), root=Path("/nowhere"))
            right = {f"did you mean {near!r}?" for near in keys if typo in typos(near)}
            assert caught.value.hint in right, (typo, caught.value.message)


def test_text_that_looks_like_toml_does_not_move_lines() -> None:
    """Keys inside strings are text: the error points at the real key."""
    text = (
        'version = 1\n[environments.e]\nkind = "host"\n'
        + RUN
        + 'description = """\n[experiments.a]\nseed = 2\n"""\n'
    )
    assert "line 11: experiments.a.seed:" in refused(text + 'seed = "x"\n').message


def test_unknown_experiments_get_the_near_one() -> None:
    """Asking for an experiment that does not exist is wrong usage, and suggests the near one."""
    with pytest.raises(UsageError) as caught:
        parse(WHOLE).experiment("nosie")
    assert caught.value.hint == "did you mean 'noise'?"
    with pytest.raises(UsageError) as caught:
        parse("version = 1").experiment("x")
    assert "no experiments yet" in caught.value.hint


def test_the_file_is_found_upwards(tmp_path: Path) -> None:
    """The nearest `repro.toml` at or above a folder counts; where there is none the error says what to do."""
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    with pytest.raises(ConfigError) as caught:
        config.find(below)
    assert caught.value.hint == "write a first one: repro init"
    with pytest.raises(ConfigError) as caught:
        config.load(below)
    assert caught.value.hint == "write a first one: repro init"
    (tmp_path / "repro.toml").write_text("version = 1")
    assert config.find(below) == tmp_path
    assert config.load(config.find(below)).experiments == {}


def _folder(path: Path) -> None:
    path.mkdir()


def _leaves(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def _huge(path: Path) -> None:
    path.write_bytes(b"#" * (toml.MAX_BYTES + 1))


@pytest.mark.parametrize("make", [_folder, _leaves, _huge])
def test_a_file_that_is_none_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A folder, a link that leaves the checkout and a huge file are configuration errors."""
    make(tmp_path / "repro.toml")
    with pytest.raises(ConfigError):
        config.load(tmp_path)


@given(st.binary(max_size=300))
@example(b"version.a.a.a = 1")
def test_any_bytes_give_a_project_or_a_configuration_error(data: bytes) -> None:
    """Whatever the bytes are, nothing but ConfigError comes out."""
    for text in (data, b"version = 1\n" + data):
        try:
            config.parse(text, root=Path("/nowhere"))
        except ConfigError as error:
            told = error.message
        else:
            told = "repro.toml"
        assert told.startswith("repro.toml")
