"""Help: what it looks like, that it is documented, what mistyped words get, and completion."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer

from repro.cli.main import VERBS, app

if TYPE_CHECKING:
    from tests.cli.conftest import Project

PAGE = Path(__file__).parents[2] / "docs/reference/cli.md"


def all_verbs() -> list[str]:
    """Every verb that there is, found by asking the command line itself."""
    root = typer.main.get_command(app)
    found = [""]
    for name in VERBS:
        command = root.get_command(None, name)  # type: ignore[attr-defined]
        found += [name, *(f"{name} {below}" for below in getattr(command, "commands", {}))]
    return found


def documented() -> dict[str, str]:
    """The blocks of the page, by verb."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^## repro ?([a-z ]*)\n\n```text\n(.*?)\n```$", text, re.DOTALL | re.MULTILINE)
    return dict(blocks)


def test_every_verb_is_documented() -> None:
    """The page of the command line has a section for each verb and for none that does not exist."""
    assert list(documented()) == all_verbs()


@pytest.mark.parametrize("verb", all_verbs())
def test_help_fits_and_is_what_the_page_shows(recorded: Project, verb: str) -> None:
    """Help has at most 80 columns, tells the exit codes of each verb, and is that of the page."""
    answer = recorded(*verb.split(), "--help")
    assert (answer.code, answer.err) == (0, "")
    assert max(map(len, answer.out.splitlines())) <= 80
    assert "Exit codes" in answer.out or " " in verb or not verb
    assert answer.out.rstrip("\n") == documented()[verb]
    assert recorded(*verb.split(), "-h").out == answer.out


@pytest.mark.parametrize("verb", VERBS)
def test_the_line_of_a_verb_is_the_first_of_its_own_help(verb: str) -> None:
    """The list of verbs says of each what its module says, though it loads none of them."""
    command = typer.main.get_command(importlib.import_module(f"repro.cli.{verb}").app)
    assert command.get_short_help_str(limit=80) == VERBS[verb]


def test_help_loads_no_verb() -> None:
    """Help of the whole starts as fast with thirty verbs as with three."""
    code = "import sys; from repro.cli.main import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "Commands:" in ran.stdout
    assert not {f"repro.cli.{verb}" for verb in VERBS}.intersection(ran.stderr.split())


def test_help_has_no_cut_sentences(recorded: Project) -> None:
    """Every line of a list of verbs is a whole sentence."""
    for verb in ("", "baseline", "runs"):
        lines = recorded(*verb.split(), "--help").out.split("Commands:\n")[1].split("\n\n")[0].splitlines()
        assert lines
        assert all(line.endswith(".") and not line.endswith("..") for line in lines)


def test_without_a_verb_help_goes_to_standard_error(recorded: Project) -> None:
    """A missing verb is wrong usage: exit 2, and the verbs that there are."""
    for verb in ("", "baseline", "runs"):
        answer = recorded(*verb.split())
        assert (answer.code, answer.out) == (2, "")
        assert answer.err == recorded(*verb.split(), "--help").out


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["repaly"], "'replay'"),
        (["stat"], "'status'"),
        (["baseline", "acept"], "'accept'"),
        (["runs", "shwo"], "'show'"),
        (["replay", "--jbos", "2"], "'--jobs'"),
        (["replay", "sums", "--markdwon=x"], "'--markdown'"),
        (["drift", "a", "b", "--rtoll", "1"], "'--rtol'"),
        (["--verison"], "'--version'"),
        (["replay", "sum"], "'sums'"),
        (["replay", "grid[b=1]"], "'a'"),
    ],
)
def test_a_mistyped_word_gets_the_near_one(recorded: Project, arguments: list[str], meant: str) -> None:
    """Verbs, options, experiments and axes that do not exist are exit 2 and name the near one."""
    answer = recorded(*arguments)
    assert (answer.code, answer.out) == (2, "")
    assert f"did you mean {meant}?" in answer.err or f"known: {meant[1:-1]}" in answer.err


def completed(project: Project, words: str) -> list[str]:
    """What bash is offered for the last of these words."""
    at = len(words.split(" ")) - 1
    env = {"_REPRO_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(at)}
    return project(env=env).out.split()


def test_bash_completes_verbs_options_and_experiments(recorded: Project) -> None:
    """The script that bash calls offers verbs, options, and the experiments of -C's folder."""
    assert completed(recorded, "repro ba") == ["baseline"]
    assert completed(recorded, "repro baseline ac") == ["accept"]
    assert completed(recorded, "repro replay --js") == ["--json"]
    assert completed(recorded, "repro replay s") == ["sums"]
    assert completed(recorded, "repro replay ") == ["sums", "grid", "broken"]
    assert completed(recorded, f"repro -C {recorded.root} baseline accept g") == ["grid"]
    assert completed(recorded, "repro -C / replay s") == []
