"""Every command that the documentation shows is run, in the order of its page, and does what is shown.

In a `console` block a line that begins with `$ ` is a command, the lines below it are what it prints, on both
streams; without such lines any output will do. `# exit N` behind a command is its exit code. `…` stands for
any text in a line, and alone in a line for any lines. Ids, times and sizes need not be the same. A block
below a line that ends with "Write `FILE`:" or "Add to `FILE`:" is the content of that file, or its addition.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from repro.conditions.installer import find_uv
from repro.conditions.isolation import Method, available
from repro.tools.host import cache_folder

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(?P<before>[^\n]*)\n\n?```(?P<language>\w*)\n(?P<body>.*?)\n```(?=\n|\Z)", re.DOTALL)
FILE = re.compile(r"(?P<how>Write|Add to) `(?P<name>[^`]+)`:$")
EXIT = re.compile(r"\s# exit (?P<code>\d+)$")
MARK = re.compile(r"\n@@step (?P<number>\d+) exit (?P<code>\d+)\n")
TIMEOUT_SECONDS = 600

# What differs from call to call or between machines, and what stands for it in a comparison.
VOLATILE = (
    (re.compile(r"\b\d{8}T\d{9}Z-([\w.=,-]+)-[0-9a-f]{8}\b"), r"RUN-\1"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12}\b"), "COMMIT"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(T[\d:.+]+)?\b"), "DAY"),
    (re.compile(r"\b\d+\.\d+ s\b"), "TIME"),
    (re.compile(r"\b[\d.]+ ([KMG]i)?B\b"), "SIZE"),
    (re.compile(r"\bulp \d+\b"), "ULP"),
    (re.compile(r"(\d+\.\d{7})\d+"), r"\1"),
    (re.compile(r"[ \t]+"), " "),
)

ELSEWHERE = {
    "make demo": "installs into .venv and replays everything",
    "make test": "is what runs this test",
    "make lint": "has nothing to do with the page",
    "make format": "rewrites files",
    "make types": "takes a minute",
    "make sbom": "is what CI runs beside the tests",
    "make bench": "measures, which wants a quiet machine",
    "make lock": "asks the package index for the newest versions",
    "uv pip compile --universal --generate-hashes requirements.in -o requirements.lock": "asks it too",
}
"""Commands that are not run here, with the reason; what is known of them without is tested below."""

WITHOUT = {
    "docs/how-to/build.md": "needs Nix, which tests/build deals with",
    "docs/how-to/cache.md": "needs Nix, which tests/nix deals with",
    "docs/how-to/deploy.md": "tells what GitHub runs, which tests/workflows deals with",
    "docs/how-to/nix.md": "needs Nix, which tests/nix deals with",
}
"""Pages for users without commands that are run here, with the reason."""

PAGES = sorted(
    page
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"))
    if "```console" in page.read_text(encoding="utf-8")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command, its exit code and what it prints; or, without a command, text for a file."""

    line: int
    command: str = ""
    code: int = 0
    shown: str = ""
    file: str = ""
    text: str = ""
    append: bool = False


def steps_of(text: str) -> list[Step]:
    """The commands and files of a page, in order."""
    found: list[Step] = []
    for block in BLOCK.finditer(text):
        line = text.count("\n", 0, block.start("body")) + 1
        file = FILE.search(block["before"])
        if file:
            append = file["how"] == "Add to"
            found.append(Step(line=line, file=file["name"], text=block["body"] + "\n", append=append))
        elif block["language"] == "console":
            found += commands_of(block["body"], line)
    return found


def commands_of(body: str, line: int) -> list[Step]:
    """The commands of one block; a backslash at the end of a line continues a command."""
    found = []
    for chunk in re.split(r"^(?=\$ )", body, flags=re.MULTILINE):
        if not chunk:
            continue
        assert chunk.startswith("$ "), f"line {line}: a console block begins with a command"
        command = re.match(r"\$ ((?:.*\\\n)*.*)\n?", chunk)
        assert command is not None
        code = EXIT.search(command[1])
        shown = chunk[command.end() :].rstrip("\n")
        found.append(Step(line=line, command=command[1], code=int(code["code"]) if code else 0, shown=shown))
        line += chunk.count("\n")
    return found


def steady(text: str) -> str:
    """A text without what differs from call to call."""
    for pattern, replacement in VOLATILE:
        text = pattern.sub(replacement, text)
    return "\n".join(line.strip() for line in text.strip().splitlines())


def fits(shown: str, printed: str) -> bool:
    """Whether a command printed what the page shows."""
    lines = [
        r"(?:.*\n)*?" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + r"\n"
        for line in steady(shown).splitlines()
    ]
    return re.fullmatch("".join(lines), steady(printed) + "\n") is not None


def script_of(steps: list[Step]) -> str:
    """A page as a shell script that says after each step how it ended."""
    lines = []
    for number, step in enumerate(steps):
        if step.file:
            sign = ">>" if step.append else ">"
            command = f"printf %s {shlex.quote(step.text)} {sign} {shlex.quote(step.file)}"
        else:
            command = step.command
        lines += [command, f'code=$?; printf "\\n@@step {number} exit %d\\n" "$code"']
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="session")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A user whom git knows, whose home is empty, with the caller's caches of environments and packages."""
    home = tmp_path_factory.mktemp("home")
    known = "[user]\n  name = Ada Reader\n  email = ada@example.org\n"
    (home / ".gitconfig").write_text(known, encoding="utf-8")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "PYTHON", "REPRO_", "VIRTUAL_ENV", "PYTEST_", "NO_COLOR"))
    }
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return {
        "UV_CACHE_DIR": str(caches / "uv"),
        **kept,
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "REPRO_CACHE_DIR": str(cache_folder()),
    }


def shell(command: str, place: Path, variables: dict[str, str]) -> None:
    """A command that must succeed."""
    subprocess.run(["sh", "-ec", command], cwd=place, env=variables, check=True)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str]) -> Path:
    """This project as it lies here, with a history of two commits; its environment stands already."""
    place = tmp_path_factory.mktemp("project")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, place / name)
    shell("git init -q; git add -A; git commit -qm First", place, variables)
    shell("git commit -q --allow-empty -m Second", place, variables)
    warmed = tmp_path_factory.mktemp("warmed")
    shell(f"git clone -q {shlex.quote(str(place))} . && repro -q replay linalg", warmed, variables)
    return place


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest, project: Path, variables: dict[str, str]) -> Path:
    """Where a page is read: an empty folder for the tutorial, else a clone of this project.

    A page about a shipped experiment finds the data in place, as `make demo` leaves it.
    """
    page: Path = request.param
    place = tmp_path / "work"
    place.mkdir()
    if "tutorial" not in page.parts:
        shell(f"git clone -q {shlex.quote(str(project))} .", place, variables)
    if "experiments" in page.parts:
        shell("dvc pull --quiet", place, variables)
    return place


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(
    ("page", "folder"), [pytest.param(page, page, id=name_of(page)) for page in PAGES], indirect=["folder"]
)
def test_page_does_what_it_shows(page: Path, folder: Path, variables: dict[str, str]) -> None:
    """The commands of a page, run in order in one shell, end and print as the page shows."""
    steps = [step for step in steps_of(page.read_text(encoding="utf-8")) if step.command not in ELSEWHERE]
    script = folder.with_name("page.sh")
    script.write_text(script_of(steps), encoding="utf-8")
    done = subprocess.run(
        ["sh", str(script)],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    printed = MARK.split("\n" + done.stdout.decode())
    assert len(printed) == 3 * len(steps) + 1, f"the shell gave up: {printed[-1]}"
    for number, step in enumerate(steps):
        said, code = printed[3 * number].lstrip("\n"), int(printed[3 * number + 2])
        where = f"{name_of(page)}, line {step.line}: {step.command or step.file}"
        if "--require-isolation" in step.command and available() is Method.PLAIN:
            assert code == 3, f"{where}\nthis machine has no sandbox, and exit code {code} hides it"
            continue
        assert code == step.code, f"{where}\nexit code {code}, not {step.code}:\n{said}"
        if step.shown:
            assert fits(step.shown, said), f"{where}\nprinted:\n{said}\nshown:\n{step.shown}"


def test_pages_for_users_have_commands() -> None:
    """README, the tutorial and every how-to page show commands, so that the test above has seen them."""
    users = {ROOT / "README.md", *ROOT.glob("docs/tutorial/*.md"), *ROOT.glob("docs/how-to/*.md")}
    assert len(users) > 5
    assert {name_of(page) for page in users} - set(WITHOUT) <= {name_of(page) for page in PAGES}


@pytest.mark.parametrize("command", ELSEWHERE)
def test_commands_that_are_not_run_exist(command: str) -> None:
    """What is left out above is a target that make can do, or has options that its program knows."""
    words = command.split()
    if words[0] == "make":
        done = subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, check=False, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return
    done = subprocess.run([str(find_uv()), "help", *words[1:3]], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    for option in filter(re.compile("-").match, words):
        assert option in done.stdout.decode()


@pytest.mark.parametrize(
    ("shown", "printed", "expected"),
    [
        ("a …", "a b", True),
        ("a\n…\nd", "a\nb\nc\nd", True),
        ("a\nd", "a\nb\nd", False),
        ("0.18 s", "12.50 s", True),
        ("run 20260101T000000417Z-x-01234567", "run 20261120T100219417Z-x-e74a1d1d", True),
        ("run 20260101T000000417Z-x-01234567", "run 20261120T100219417Z-y-e74a1d1d", False),
        ("exit 1", "exit 2", False),
    ],
)
def test_comparison_of_output(shown: str, printed: str, *, expected: bool) -> None:
    """What a page shows fits what was printed up to ids, times and `…`, and nothing else."""
    assert fits(shown, printed) is expected
