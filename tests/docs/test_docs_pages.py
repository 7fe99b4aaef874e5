"""What pages say about each other and about the command line is so: links, options, examples, the picture."""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import typer

from repro.cli.main import VERBS, run
from repro.flows import config
from repro.flows.policy_tables import PolicyTable

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TOP = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES = [*TOP, *sorted(DOCS.glob("**/*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
CALL = re.compile(r"(?:^\$ |`)(?:\w+=\S+ )*repro (?P<words>[a-z](?:[^`#\n]|\\\n)*)", re.MULTILINE)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
SPAN = re.compile(r"`(?P<options>--[a-z][a-z-]+(?: [^`]*)?)`")

FOREIGN = {
    "--universal": "uv pip compile",
    "--generate-hashes": "uv pip compile",
    "--unshallow": "git fetch",
    "--drift-accept": "pytest, from repro.testing",
    "--exclude-meta": "sbomnix",
    "--exclude-cpe-matching": "sbomnix",
}
"""Options of other programs that pages mention by themselves."""


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose_of(page: Path) -> str:
    """A page without its code blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors_of(page: Path) -> set[str]:
    """The anchors that headings make."""
    headings = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def names_of(verb: str) -> list[str]:
    """A verb, or the verbs of a group: `replay`; `runs`, `runs list`, ..."""
    command = typer.main.get_command(importlib.import_module(f"repro.cli.{verb}").app)
    return [verb, *(f"{verb} {below}" for below in getattr(command, "commands", {}))]


@pytest.fixture(scope="module")
def options() -> dict[str, set[str]]:
    """The long options in the help of each verb, and of `repro` itself under no name."""
    found = {}
    for name in ["", *(name for verb in VERBS for name in names_of(verb))]:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            assert run([*name.split(), "--help"]) == 0
        found[name] = set(OPTION.findall(said.getvalue()))
    return found


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_resolve(page: Path) -> None:
    """Every relative link leads to a file of the repository, and to a heading where it names one."""
    for link in LINK.finditer(prose_of(page)):
        target, _, anchor = link["target"].partition("#")
        if target.startswith(("https://", "http://")):
            continue
        place = (page.parent / target).resolve() if target else page
        assert place.is_relative_to(ROOT), link["target"]
        assert place.exists(), link["target"]
        assert not anchor or anchor in anchors_of(place), link["target"]


def test_every_page_is_reachable() -> None:
    """Following links from docs/index.md, a reader gets to every page below docs/."""
    seen, left = set(), [DOCS / "index.md"]
    while left:
        page = left.pop()
        if page in seen or page.suffix != ".md" or not page.is_relative_to(DOCS):
            continue
        seen.add(page)
        links = (link["target"].partition("#")[0] for link in LINK.finditer(prose_of(page)))
        left += [(page.parent / target).resolve() for target in links if target and "://" not in target]
    assert seen == set(DOCS.glob("**/*.md"))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_mentioned_commands_exist(page: Path, options: dict[str, set[str]]) -> None:
    """Each `repro VERB --option` is in the help of that verb, each `--option` alone in some help."""
    for call in CALL.finditer(page.read_text(encoding="utf-8")):
        words = call["words"].split()
        name = " ".join(words[:2])
        name = name if name in options else words[0]
        assert name in options, call[0]
        unknown = set(OPTION.findall(call["words"])) - options[name]
        assert not unknown, f"repro {name}: {unknown}"
    every = set.union(*options.values()) | set(FOREIGN)
    for span in SPAN.finditer(prose_of(page)):
        assert set(OPTION.findall(span["options"])) <= every, span[0]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_toml_examples_are_valid(page: Path) -> None:
    """Each TOML block parses; one that has a version is a `repro.toml` that `repro` takes, or a policy."""
    for language, body in FENCE.findall(page.read_text(encoding="utf-8")):
        tables = tomllib.loads(body) if language == "toml" else {}
        if "artifacts" in tables:
            PolicyTable.model_validate(tables)
        elif "version" in tables:
            config.parse(body.encode(), root=ROOT)


def test_the_map_shows_every_room() -> None:
    """The table of rooms in the page on architecture is the map that tests/test_floors.py proves."""
    proof = ast.parse((ROOT / "tests" / "test_floors.py").read_text(encoding="utf-8"))
    floors = next(
        ast.literal_eval(node.value)
        for node in proof.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FLOORS"
    )
    page = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\d) \|", page, re.MULTILINE)
    assert {room: int(floor) for room, floor in rows} == floors


def test_the_changelog_has_an_unreleased_section() -> None:
    """The changelog begins with what is not released yet, under the headings of Keep a Changelog."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE)[0] == "[Unreleased]"
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= kinds


def test_the_picture_stands_alone() -> None:
    """The picture is well-formed, says in words what it shows, and loads nothing from elsewhere."""
    root = ET.parse(DOCS / "picture.svg").getroot()  # noqa: S314 - a file of this repository
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findtext(f"{space}desc") or "") > 50
    for element in root.iter():
        for key, value in element.attrib.items():
            assert "href" not in key, key
            assert "url(" not in value or value.startswith("url(#"), value
            assert not key.startswith("on"), key
    assert not root.findall(f".//{space}script")
