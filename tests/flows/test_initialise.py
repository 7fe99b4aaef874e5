"""The first `repro.toml` of an existing repository."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.core.errors import ReproError, UsageError
from repro.core.exits import Exit
from repro.flows import config
from repro.flows.initialise import Initialised, initialise
from repro.tools import host, process

if TYPE_CHECKING:
    from pathlib import Path

LOCKED = "numpy==2.3.0 \\\n    --hash=sha256:" + "a" * 64 + "\n"
PIPELINE = """\
vars: [{x: 1}]
stages:
  train:
    cmd: python src/train.py --data data/x.csv --out results/metrics.json --plot=plots/curve.csv
    desc: Trains it.
    deps: [src/train.py, data/x.csv, src]
    params: [lr, {other.yaml: [a]}]
    metrics:
      - results/metrics.json: {cache: false}
    plots: [plots/curve.csv]
  shell:
    cmd: sort < data/x.csv > ./sorted.csv
    deps: [data/x.csv]
    outs: [sorted.csv]
  several:
    cmd: [python a.py b.txt, 'echo "{braces}" >> b.txt']
    outs: [b.txt]
  silent:
    cmd: python a.py
    outs: [hidden.json]
  folder:
    cmd: python a.py out
    outs: [out/]
  nothing:
    cmd: python a.py
  escape:
    cmd: python a.py up.json
    deps: [../secret.csv]
    outs: [up.json]
  broken:
    cmd: python 'a.py
    outs: [c.txt]
  elsewhere:
    wdir: src
    cmd: python train.py d.txt
    outs: [d.txt]
  template:
    cmd: python a.py ${x} e.txt
    outs: [e.txt]
  many:
    foreach: [1, 2]
    do: {cmd: python a.py f.txt, outs: [f.txt]}
  bad: 3
"""


def repository(root: Path, files: dict[str, str]) -> Path:
    """A git repository that holds these files, not yet committed."""
    root.mkdir(exist_ok=True)
    process.run(["git", "init", "--quiet"], cwd=root, env=host.variables())
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def made(root: Path, files: dict[str, str]) -> tuple[Initialised, config.Project]:
    """What `initialise` says and what the parser makes of the file."""
    result = initialise(repository(root, files))
    assert result.path.read_text() == result.text
    return result, config.load(root)


def test_an_empty_repository_gets_a_host_and_an_example(tmp_path: Path) -> None:
    """Where nothing is found the file is still right, and shows an experiment to adapt."""
    result, project = made(tmp_path, {})
    assert result.found == ()
    assert {name: table.kind for name, table in project.environments.items()} == {"host": "host"}
    assert project.experiments == {}
    example = result.text[result.text.index("# [experiments") :].replace("# ", "")
    text = result.text[: result.text.index("# [experiments")] + example
    assert list(config.parse(text.encode(), root=tmp_path).experiments) == ["example"]


def test_hashed_requirements_become_environments(tmp_path: Path) -> None:
    """Each lock with hashes is a venv with a name of its own; the one nearest to the root is the default."""
    files = ("requirements.lock", "requirements.txt", "requirements-dev.txt", "experiments/requirements.lock")
    result, project = made(tmp_path, dict.fromkeys(files, LOCKED) | {"dvc.yaml": PIPELINE})
    assert {name: table.lock for name, table in project.environments.items()} == {
        "venv": "requirements.txt",
        "venv-2": "requirements.lock",
        "dev": "requirements-dev.txt",
        "experiments": "experiments/requirements.lock",
    }
    assert project.experiment("train").environment == "venv"
    assert "requirements.lock: 1 packages, locked by hash" in result.found
    assert "host" not in project.environments


def test_requirements_without_hashes_are_told_how_to_become_a_lock(tmp_path: Path) -> None:
    """A file without hashes makes no environment: host is taken, and the command that locks is named."""
    files = {"requirements-dev.txt": "numpy>=2\n", "requirements.lock": "numpy==2.3.0\n"}
    result, project = made(tmp_path, files | {"x/requirements.txt": "--pre\n" + LOCKED})
    assert list(project.environments) == ["host"]
    assert "uv pip compile --universal --generate-hashes" in result.text
    assert any("requirements.lock -o requirements.hashed.lock" in note for note in result.notes)
    assert any("requirements-dev.txt -o requirements-dev.lock" in note for note in result.notes)
    assert any("has no --hash=sha256" in note for note in result.notes)
    assert any("--pre is an option" in note and "remove the line" in note for note in result.notes)


def test_pyproject_says_which_python(tmp_path: Path) -> None:
    """An exact minor version is taken over, a range is a comment, and unlocked dependencies are noted."""
    exact = {"requirements.lock": LOCKED, "pyproject.toml": '[project]\nrequires-python = "~=3.12.0"\n'}
    _, project = made(tmp_path / "exact", exact)
    assert project.environments["venv"].python == "3.12"
    ranged = {"requirements.lock": LOCKED, "pyproject.toml": '[project]\nrequires-python = ">=3.11"\n'}
    result, project = made(tmp_path / "ranged", ranged)
    assert project.environments["venv"].python is None
    assert 'pyproject.toml asks for ">=3.11"' in result.text
    assert result.found == (
        "requirements.lock: 1 packages, locked by hash",
        "pyproject.toml: requires-python >=3.11",
    )
    result, _ = made(tmp_path / "bare", {"pyproject.toml": '[project]\ndependencies = ["numpy"]\n'})
    assert "lock them with: uv pip compile --universal --generate-hashes pyproject.toml" in result.notes[0]


def test_a_flake_is_not_claimed(tmp_path: Path) -> None:
    """A flake is mentioned in a note and makes no environment."""
    result, project = made(tmp_path, {"flake.nix": "{}"})
    assert result.notes == ("flake.nix: not used; an environment is of kind venv or host",)
    assert list(project.environments) == ["host"]
    assert "nix" not in result.text


def test_stages_become_experiments(tmp_path: Path) -> None:
    """A stage whose command names its outs is an experiment that writes them below {out}."""
    files = {"dvc.yaml": PIPELINE, "src/train.py": "", "a.py": "", "data/x.csv.dvc": ""}
    _, project = made(tmp_path, files)
    assert list(project.experiments) == ["train", "shell", "several", "silent", "elsewhere"]
    train = project.experiment("train")
    assert train.command == (
        *("python", "src/train.py", "--data", "data/x.csv"),
        *("--out", "{out}/metrics.json", "--plot={out}/curve.csv"),
    )
    assert train.outputs == ("metrics.json", "curve.csv")
    assert train.sources == ("src/train.py", "src", "params.yaml", "other.yaml")
    assert train.inputs == ("data/x.csv",)
    assert train.description == "Trains it."
    assert project.experiment("shell").command == ("sh", "-c", "sort < data/x.csv > {out}/sorted.csv")
    assert project.experiment("several").command == (
        *("sh", "-c", 'python a.py {out}/b.txt && echo "{{braces}}" >> {out}/b.txt'),
    )


def test_a_stage_whose_command_does_not_name_its_outs_runs_as_it_is(tmp_path: Path) -> None:
    """A stage with fixed outs, in another folder, or with templates in dvc.lock is named, not changed."""
    lock = {"template": {"cmd": "python a.py 1 e.txt", "outs": [{"path": "e.txt", "md5": "0" * 32}]}}
    files = {"dvc.yaml": PIPELINE, "a.py": "", "dvc.lock": json.dumps({"schema": "2.0", "stages": lock})}
    result, project = made(tmp_path, files)
    assert project.experiment("silent").outputs == ("hidden.json",)
    assert project.experiment("elsewhere").outputs == ("src/d.txt",)
    assert project.experiment("template").outputs == ("e.txt",)
    assert result.text.count("stage = ") == 3
    assert not any("'silent'" in note for note in result.notes)


FOLDERS = "stages:\n  train:\n    cmd: python a.py\n    outs: [model, scores.json]\n"
FOLDERS_LOCK = {
    "schema": "2.0",
    "stages": {"train": {"cmd": "python a.py", "outs": [{"path": "model", "md5": "0" * 32 + ".dir"}]}},
}


def test_files_of_a_folder_that_a_stage_writes_are_named(tmp_path: Path) -> None:
    """What lies in a folder among the outs is compared file by file; of very many some, and that is told."""
    files = {"dvc.yaml": FOLDERS, "dvc.lock": json.dumps(FOLDERS_LOCK), "a.py": ""}
    ignored = {".gitignore": "/model\n", "model/b/w.json": "1", "model/a.json": "2"}
    result, project = made(tmp_path / "few", {**files, **ignored})
    assert project.experiment("train").outputs == ("model/a.json", "model/b/w.json", "scores.json")
    assert result.notes == ()
    for name in ("a.json", "b/w.json"):  # as DVC leaves them where its cache is linked by symlinks
        (tmp_path / "few/model" / name).rename(tmp_path / name.replace("/", "-"))
        (tmp_path / "few/model" / name).symlink_to(tmp_path / name.replace("/", "-"))
    (tmp_path / "few/repro.toml").unlink()
    assert initialise(tmp_path / "few").text == result.text
    many = {f"model/{number:02}.json": "" for number in range(30)}
    result, project = made(tmp_path / "many", {**files, ".gitignore": "/model\n", **many})
    assert len(project.experiment("train").outputs) == 20 + 1
    assert result.notes == (
        "stage 'train': 20 of the 30 files of 'model' are named: choose those that count",
    )


def test_a_folder_that_is_not_here_is_asked_for(tmp_path: Path) -> None:
    """In a clone without data nobody knows the files of a folder: the draft waits for their names."""
    files = {"dvc.yaml": FOLDERS, "dvc.lock": json.dumps(FOLDERS_LOCK), "a.py": ""}
    result, project = made(tmp_path, files)
    assert "train" not in project.experiments
    assert '# stage = "train"\n# outputs = ["model/FILE", "scores.json"]' in result.text
    assert result.notes == (
        "stage 'train' is commented out: 'model' is a folder: name the files in it that are compared",
    )


@pytest.mark.parametrize(
    ("stage", "reason"),
    [
        ("folder", "'out/' is a folder: name the files in it"),
        ("nothing", "it has no outs or metrics"),
        ("escape", "experiments.escape.inputs[0]: '../secret.csv' is not a path inside the folder"),
        ("broken", "its command cannot be taken apart"),
        ("template", "it uses a template"),
        ("many", "write its foreach or matrix as a matrix here"),
    ],
)
def test_a_stage_that_cannot_run_so_is_no_experiment(tmp_path: Path, stage: str, reason: str) -> None:
    """What does not map is commented out or left out, and a note says what to change."""
    result, project = made(tmp_path, {"dvc.yaml": PIPELINE, "src/train.py": "", "a.py": ""})
    assert stage not in project.experiments
    (note,) = (note for note in result.notes if f"stage {stage!r} is" in note)
    assert reason in note
    assert (f"# [experiments.{stage}]" in result.text) == ("commented out" in note)


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    """A second call, or a call on any file of that name, is wrong usage and changes no byte."""
    made(tmp_path, {"requirements.lock": LOCKED})
    (tmp_path / "repro.toml").write_text("mine")
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(UsageError, match="is there already") as caught:
        initialise(tmp_path)
    assert caught.value.exit is Exit.USAGE
    assert (tmp_path / "repro.toml").read_text() == "mine"
    (tmp_path / "repro.toml").unlink()
    (tmp_path / "repro.toml").symlink_to("nowhere")
    with pytest.raises(UsageError, match="is there already"):
        initialise(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_file_that_appears_meanwhile_stays(tmp_path: Path) -> None:
    """Even one written after the first look is not replaced, and no draft is left behind."""
    repository(tmp_path, {})

    class Late(list[str]):
        """A list of files; while it is read somebody else writes repro.toml."""

        def __iter__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204
            (tmp_path / "repro.toml").write_text("theirs")
            return super().__iter__()

    with pytest.raises(UsageError, match="is there already"):
        initialise(tmp_path, Late(["a"]))
    assert (tmp_path / "repro.toml").read_text() == "theirs"
    assert [path.name for path in tmp_path.iterdir() if path.name != ".git"] == ["repro.toml"]


def test_outside_a_repository_nothing_is_written(tmp_path: Path) -> None:
    """Code without git has no revision to replay: the error says how to begin."""
    with pytest.raises(UsageError) as caught:
        initialise(tmp_path)
    assert (caught.value.hint, list(tmp_path.iterdir())) == ("run: git init", [])


def test_a_read_only_folder_is_an_error_with_a_next_step(tmp_path: Path) -> None:
    """Where the file cannot be written the system's reason is told."""
    repository(tmp_path, {})
    (tmp_path / ".repro.toml.draft").mkdir()
    with pytest.raises(ReproError, match=r"writing repro\.toml") as caught:
        initialise(tmp_path)
    assert caught.value.hint
    assert not (tmp_path / "repro.toml").exists()


def test_odd_files_become_notes(tmp_path: Path) -> None:
    """A file that cannot be read or understood is left out with a note, and the rest is used."""
    root = repository(tmp_path, {"requirements.lock": LOCKED, "dvc.yaml": "a: [", "pyproject.toml": "["})
    (root / "sub").mkdir()
    (root / "sub" / "dvc.yaml").symlink_to("/etc/hostname")
    (root / "requirements-x.txt").write_bytes(b"\xff\xfe")
    (root / "dir" / "requirements.txt").mkdir(parents=True)
    (root / b"\xff-requirements.txt".decode(errors="surrogateescape")).write_text(LOCKED)
    result = initialise(root, ["gone/dvc.yaml", "dir/requirements.txt", *_files(root)])
    assert list(config.load(root).environments) == ["venv"]
    for part in (
        "dvc.yaml: not YAML",
        "pyproject.toml: not TOML",
        "sub/dvc.yaml",
        "requirements-x.txt",
        "gone/dvc",
    ):
        assert any(part in note for note in result.notes), part
    assert any("dir/requirements.txt" in note for note in result.notes)


def _files(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in root.rglob("*") if ".git" not in path.parts]


WORD = st.sampled_from(
    ["python", "a.py", "o.json", "'", '"', "{x}", "|", "a b", "--o=o.json", "$X", "\\", "\n", "é", "\x7f"]
)
VALUE: st.SearchStrategy[object] = st.recursive(
    st.none() | st.integers() | WORD | st.text(max_size=5),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(WORD | st.text(max_size=3), below, max_size=3)
    ),
    max_leaves=5,
)
STAGE = st.fixed_dictionaries(
    {"cmd": st.lists(WORD, max_size=6).map(" ".join) | VALUE},
    optional={
        **dict.fromkeys(["outs", "deps", "metrics", "params", "plots"], st.lists(WORD, max_size=3) | VALUE),
        **dict.fromkeys(["wdir", "desc", "foreach"], VALUE),
    },
)


@given(
    st.dictionaries(st.text(max_size=8) | WORD, STAGE | VALUE, max_size=4) | VALUE,
    st.dictionaries(st.sampled_from(["requires-python", "dependencies"]), WORD, max_size=2),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_whatever_lies_there_the_parser_accepts_the_file(
    tmp_path: Path, stages: object, project: dict[str, str]
) -> None:
    """For any dvc.yaml and pyproject.toml a file is written that the parser accepts."""
    (tmp_path / "repro.toml").unlink(missing_ok=True)
    # JSON is YAML, and a JSON string is a TOML string where no character is half or DEL.
    (tmp_path / "dvc.yaml").write_text(json.dumps({"stages": stages}))
    lines = [f"{key} = {json.dumps(value)}" for key, value in project.items()]
    (tmp_path / "pyproject.toml").write_text("\n".join(["[project]", *lines]))
    result = initialise(tmp_path, ["dvc.yaml", "pyproject.toml", "a.py"])
    assert set(config.load(tmp_path).environments) == {"host"}
    assert all(note.isprintable() for note in (*result.notes, *result.found))


@given(st.binary(max_size=100) | st.text("ab:-[]{}&*!|>'\"\n #,", max_size=60).map(str.encode))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_in_what_is_found_do_no_harm(tmp_path: Path, data: bytes) -> None:
    """Whatever bytes the files hold, what comes out is a right file."""
    (tmp_path / "repro.toml").unlink(missing_ok=True)
    names = ["dvc.yaml", "pyproject.toml", "requirements.txt"]
    for name in names:
        (tmp_path / name).write_bytes(data)
    initialise(tmp_path, names)
    assert config.load(tmp_path).environments
