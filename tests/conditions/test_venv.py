from __future__ import annotations

import base64
import hashlib
import http.server
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from repro.conditions.enclosure import Method
from repro.conditions.interpreter import find_interpreter, minor_of_caller
from repro.conditions.isolation import available
from repro.conditions.venv import VenvEnvironment
from repro.core import canonical, strictjson
from repro.core.errors import RealisationError, ReproError, TamperError
from repro.core.events import Event, silent
from repro.core.exits import Exit
from repro.tools import host, process
from repro.tools.files import is_locked, remove_tree
from repro.tools.lock import parse_lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


class Shelf:
    """A folder of distributions made on the spot, which stands for a package index."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cache = root / "cache"
        self.folder = root / "shelf"
        self.folder.mkdir()
        self.variables = {
            "PATH": host.variables()["PATH"],
            "HOME": host.variables()["HOME"],
            "UV_CACHE_DIR": str(root / "uv"),
            "UV_FIND_LINKS": str(self.folder),
            "UV_OFFLINE": "1",
        }

    def wheel(self, name: str, files: Mapping[str, bytes], *, tag: str = "py3", lie: str = "") -> str:
        """Make version 1.0 of a wheel and return its lock line; the RECORD is wrong about the file `lie`."""
        info = f"{name}-1.0.dist-info"
        inside = {
            **files,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
            f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}-none-any\n".encode(),
        }
        record = "".join(
            f"{path},sha256={urlsafe(b'lie' if path == lie else data)},{len(data)}\n"
            for path, data in inside.items()
        )
        inside[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
        path = self.folder / f"{name}-1.0-{tag}-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for inner, data in inside.items():
                archive.writestr(inner, data)
        return self.line(path)

    def sdist(self, name: str, backend: str) -> str:
        """Make version 1.0 of a source distribution with its own build backend and return its lock line."""
        project = (
            f'[build-system]\nrequires=[]\nbuild-backend="be"\nbackend-path=["."]\n[project]\nname="{name}"\n'
        )
        files = {
            "pyproject.toml": project + 'version="1.0"\n',
            "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            "be.py": backend,
        }
        path = self.folder / f"{name}-1.0.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for inner, text in files.items():
                entry = tarfile.TarInfo(f"{name}-1.0/{inner}")
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text.encode()))
        return self.line(path)

    @staticmethod
    def line(path: Path) -> str:
        """The lock line of a distribution file."""
        name = path.name.split("-", maxsplit=1)[0]
        return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"

    def use_index(self, address: str) -> None:
        """Take packages from an index instead of the folder."""
        del self.variables["UV_OFFLINE"], self.variables["UV_FIND_LINKS"]
        self.variables.update(UV_DEFAULT_INDEX=address, UV_HTTP_RETRIES="0")

    def environment(self, lock: str, **options: Any) -> VenvEnvironment:  # noqa: ANN401 - any option
        """An environment of this shelf."""
        settings = {"cache": self.cache, "variables": self.variables, **options}
        return VenvEnvironment(name="lab", lock=parse_lock(lock.encode(), name="my.lock"), **settings)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.fixture
def lock(shelf: Shelf) -> str:
    return shelf.wheel("aa", {"aa/__init__.py": b"X = 41\n", "aa/more.py": b"Y = 1\n"})


def installed(environment: VenvEnvironment, path: str) -> Path:
    (found,) = environment.tree.glob(f"lib/python*/site-packages/{path}")
    return found


def test_a_realised_environment_has_exactly_the_locked_packages(shelf: Shelf, lock: str) -> None:
    """The environment's interpreter imports what the lock names, and the record lists it."""
    environment = shelf.environment(lock)
    realised = environment.realise(silent)
    assert process.run([str(realised.python), "-I", "-c", "import aa; print(aa.X + 1)"]).text == "42"
    assert realised.facts["packages"] == {"aa": "1.0"}
    assert str(realised.facts["python"]).startswith(minor_of_caller() + ".")
    assert realised.reproducible
    assert realised.identity == environment.identity()
    assert Path(sys.base_prefix).resolve() in realised.visible
    assert realised.search_path == (realised.python.parent,)
    canonical.to_bytes(realised.facts)


def test_an_environment_is_built_once(shelf: Shelf, lock: str) -> None:
    """The second call finds the first one's work and says nothing."""
    first = shelf.environment(lock).realise(silent)
    events: list[Event] = []
    assert shelf.environment(lock).realise(events.append) == first
    assert events == []


def test_identity_follows_meaning(shelf: Shelf, lock: str) -> None:
    """Comments change nothing; packages and Python version make another environment."""
    identity = shelf.environment(lock).identity()
    assert shelf.environment(f"# comment\n{lock}").identity() == identity
    assert shelf.environment(lock, python=minor_of_caller()).identity() == identity
    others = (
        shelf.environment(""),
        shelf.environment(lock, python="3.99"),
    )
    assert len({identity, *(other.identity() for other in others)}) == 3


def test_identity_starts_and_loads_nothing(shelf: Shelf) -> None:
    """The way to the identity loads neither numpy nor dvc nor uv, and writes nothing."""
    code = (
        "import sys; from pathlib import Path; from repro.tools.lock import parse_lock;"
        "from repro.conditions.venv import VenvEnvironment;"
        "VenvEnvironment(name='x', lock=parse_lock(b'', name='l'), cache=Path(sys.argv[1]), variables={},"
        "python='3.99').identity(); print(sorted({'numpy', 'dvc', 'uv'} & sys.modules.keys()))"
    )
    assert process.run([sys.executable, "-c", code, str(shelf.cache)]).text == "[]"
    assert not shelf.cache.exists()


def test_bytecode_is_compiled_and_independent_of_time(shelf: Shelf, lock: str) -> None:
    """Modules are compiled even under PYTHONDONTWRITEBYTECODE, and using them writes nothing."""
    shelf.variables["PYTHONDONTWRITEBYTECODE"] = "1"
    environment = shelf.environment(lock)
    realised = environment.realise(silent)
    compiled = installed(environment, "aa/__pycache__/__init__.*.pyc").read_bytes()
    assert int.from_bytes(compiled[4:8], "little") == 1  # PEP 552: by hash, not checked
    before = environment.check(realised, paranoid=False)
    process.run([str(realised.python), "-c", "import aa.more"], env={})
    assert environment.check(realised, paranoid=True) == before


def test_no_code_of_a_package_runs_while_it_is_installed(shelf: Shelf) -> None:
    """A `.pth` file, which any start of the environment's interpreter executes, is not executed."""
    mark = shelf.root / "ran"
    code = f"import os; open({str(mark)!r}, 'w').close()\n".encode()
    environment = shelf.environment(shelf.wheel("aa", {"aa.py": b"", "aa.pth": code}))
    realised = environment.realise(silent)
    shelf.environment(shelf.line(shelf.folder / "aa-1.0-py3-none-any.whl")).realise(silent)
    environment.check(realised, paranoid=True)
    assert not mark.exists()
    process.run([str(realised.python), "-c", ""])
    assert mark.exists()


def test_a_module_for_another_version_harms_nobody(shelf: Shelf) -> None:
    """A file that does not compile is installed as it is."""
    environment = shelf.environment(shelf.wheel("aa", {"aa.py": b"X = 1\n", "old.py": b"print 'x'\n"}))
    environment.realise(silent)
    assert installed(environment, "old.py").read_bytes() == b"print 'x'\n"
    assert installed(environment, "__pycache__/aa.*.pyc").is_file()


def test_another_minor_version_is_found_or_named(shelf: Shelf, lock: str) -> None:
    """An environment runs the minor version that it names, not the caller's."""
    others = [f"3.{minor}" for minor in range(11, 15) if f"3.{minor}" != minor_of_caller()]
    for minor in others:
        try:
            find_interpreter(minor, shelf.variables)
        except RealisationError:
            continue
        realised = shelf.environment(lock, python=minor).realise(silent)
        asked = process.run([str(realised.python), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
        assert asked.text == minor
        return
    pytest.skip("this machine has no second minor version of Python")


def test_a_missing_interpreter_is_exit_3(shelf: Shelf, lock: str) -> None:
    """Where the named Python is missing the error says what would provide it, and nothing is left behind."""
    environment = shelf.environment(lock, python="3.99")
    with pytest.raises(RealisationError, match=r"Python 3\.99") as caught:
        environment.realise(silent)
    assert caught.value.exit is Exit.NOT_CHECKED
    assert "uv python install 3.99" in caught.value.hint
    assert not environment.tree.exists()


def wrong_hash(shelf: Shelf) -> str:
    shelf.wheel("aa", {"aa.py": b""})
    return f"aa==1.0 --hash=sha256:{'0' * 64}\n"


def only_source(shelf: Shelf) -> str:
    return shelf.sdist("sd", f"open({str(shelf.root / 'ran')!r}, 'w').close()\n")


def other_python(shelf: Shelf) -> str:
    return shelf.wheel("aa", {"aa.py": b""}, tag="cp39")


def missing_package(shelf: Shelf) -> str:
    return f"zz==1.0 --hash=sha256:{'0' * 64}\n"


def missing_dependency(shelf: Shelf) -> str:
    shelf.wheel("bb", {"bb.py": b""})
    line = shelf.wheel("aa", {"aa.py": b""})
    path = shelf.folder / "aa-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path) as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    inside["aa-1.0.dist-info/METADATA"] += b"Requires-Dist: bb==1.0\n"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in inside.items():
            archive.writestr(name, data)
    assert line != shelf.line(path)
    return shelf.line(path)


def no_network(shelf: Shelf) -> str:
    shelf.use_index("http://127.0.0.1:9/")
    return f"aa==1.0 --hash=sha256:{'0' * 64}\n"


@pytest.mark.parametrize(
    ("defect", "said", "hint"),
    [
        (
            wrong_hash,
            rf"aa==1\.0 does not have its locked hash: expected sha256:{'0' * 64}, got sha256:",
            "renew",
        ),
        (only_source, r"sd==1\.0 has no wheel that fits, only a source", "--allow-build"),
        (other_python, r"aa==1\.0 has no wheel for Python 3", "renew the lock"),
        (missing_package, r"network is switched off", "UV_OFFLINE"),
        (missing_dependency, r"the lock is not complete", "renew the lock"),
        (no_network, r"the package index cannot be reached", "network"),
    ],
)
def test_what_cannot_be_installed_is_explained(shelf: Shelf, defect: Any, said: str, hint: str) -> None:  # noqa: ANN401 - a maker of a lock
    """Each refusal of the installer is exit 3 with cause and next step; nothing stays, nothing ran."""
    environment = shelf.environment(defect(shelf))
    with pytest.raises(RealisationError, match=said) as caught:
        environment.realise(silent)
    assert caught.value.exit is Exit.NOT_CHECKED
    assert hint in caught.value.hint
    assert "uv said:" in caught.value.message
    assert not environment.tree.exists()
    assert not (shelf.root / "ran").exists()


def test_a_wheel_that_lies_in_its_record_is_tampered(shelf: Shelf) -> None:
    """An installed file whose content is not the recorded one is exit 1 and named."""
    environment = shelf.environment(shelf.wheel("aa", {"aa.py": b"X = 1\n"}, lie="aa.py"))
    with pytest.raises(TamperError, match=r"aa\.py") as caught:
        environment.realise(silent)
    assert caught.value.exit is Exit.WRONG
    assert not environment.tree.exists()


@pytest.mark.parametrize("name", ["python", "activate"])
def test_a_package_cannot_replace_the_environment_itself(shelf: Shelf, name: str) -> None:
    """A wheel whose script lands on the interpreter or another part of the environment is refused."""
    lock = shelf.wheel("aa", {"aa.py": b"", f"aa-1.0.data/scripts/{name}": b"#!/bin/sh\n"})
    environment = shelf.environment(lock)
    with pytest.raises(ReproError, match=rf"bin/{name}|{name}"):
        environment.realise(silent)
    assert not environment.tree.exists()


def test_the_surroundings_have_no_influence(shelf: Shelf, lock: str) -> None:
    """Settings in files around the cache and in variables of uv and Python do not reach the installer."""
    for name in ("uv.toml", "pyproject.toml"):
        (shelf.root / name).write_text("not [ toml")
    (shelf.root / "other.txt").write_text("aa==2.0")
    shelf.variables.update(
        UV_OVERRIDE=str(shelf.root / "other.txt"),
        UV_CONSTRAINT=str(shelf.root / "none.txt"),
        UV_NO_BINARY="1",
        UV_LINK_MODE="symlink",
        UV_CONFIG_FILE=str(shelf.root / "uv.toml"),
        PYTHONPATH="/nowhere",
        PYTHONHOME="/nowhere",
        VIRTUAL_ENV="/nowhere",
    )
    environment = shelf.environment(lock)
    environment.realise(silent)
    assert not installed(environment, "aa/__init__.py").is_symlink()


BACKEND = """
import os, pathlib, zipfile
ESCAPE = False

def build_wheel(folder, settings=None, metadata=None):
    if ESCAPE:
        os.rename("/repro/out/lib64", "/repro/out/old")
        os.symlink("/", "/repro/out/lib64")
    seen = []
    try:
        seen.append(pathlib.Path("SHELF/../secret").read_text())
    except OSError as error:
        seen.append(error.strerror)
    try:
        pathlib.Path("SHELF/touched").touch()
    except OSError as error:
        seen.append(error.strerror)
    name = "sd-1.0-py3-none-any.whl"
    info = "sd-1.0.dist-info/"
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as archive:
        archive.writestr("sd.py", "SEEN = %r; VARIABLES = %r" % (seen, sorted(os.environ)))
        archive.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: sd\\nVersion: 1.0\\n")
        archive.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(info + "entry_points.txt", "[console_scripts]\\nsd = sd:SEEN.clear\\n")
        rows = ["sd.py"] + [info + file for file in ("METADATA", "WHEEL", "entry_points.txt", "RECORD")]
        archive.writestr(info + "RECORD", "".join(row + ",,\\n" for row in rows))
    return name
"""


def test_a_source_distribution_is_built_inside_the_sandbox(shelf: Shelf) -> None:
    """With `allow_build` foreign code builds, but sees no home, no credentials, and nothing else to write."""
    if available() is Method.PLAIN:
        pytest.skip("this machine has no sandbox to build in")
    (shelf.root / "secret").write_text("made up")
    lock = shelf.sdist("sd", BACKEND.replace("SHELF", str(shelf.folder)))
    shelf.variables["AWS_SECRET_ACCESS_KEY"] = "made up"
    shelf.variables["UV_INDEX_LAB_PASSWORD"] = "made up"
    environment = shelf.environment(lock, allow_build=True)
    realised = environment.realise(silent)
    code = "import sd; print(sd.SEEN); print(*sd.VARIABLES)"
    seen, variables = process.run([str(realised.python), "-I", "-c", code]).text.splitlines()
    assert seen == "['No such file or directory', 'Read-only file system']"
    assert not {"AWS_SECRET_ACCESS_KEY", "UV_INDEX_LAB_PASSWORD"} & set(variables.split())
    assert not realised.reproducible
    assert realised.facts["built_in"] == str(available())
    process.run([str(realised.search_path[0] / "sd")])
    environment.check(realised, paranoid=True)
    with pytest.raises(RealisationError, match="was not allowed") as caught:
        shelf.environment(lock).realise(silent)
    assert "--allow-build" in caught.value.hint


def test_a_build_cannot_make_the_environment_lead_elsewhere(shelf: Shelf) -> None:
    """Built code that puts a link in place of a part of the environment is found out."""
    if available() is Method.PLAIN:
        pytest.skip("this machine has no sandbox to build in")
    backend = BACKEND.replace("SHELF", str(shelf.folder)).replace("ESCAPE = False", "ESCAPE = True")
    environment = shelf.environment(shelf.sdist("sd", backend), allow_build=True)
    with pytest.raises(TamperError, match="lib64"):
        environment.realise(silent)
    assert not environment.tree.exists()


def test_a_failed_build_is_explained(shelf: Shelf) -> None:
    """A build that fails is exit 3 with the builder's words."""
    if available() is Method.PLAIN:
        pytest.skip("this machine has no sandbox to build in")
    environment = shelf.environment(shelf.sdist("sd", "raise SystemExit('no compiler')\n"), allow_build=True)
    with pytest.raises(RealisationError, match=r"building sd==1\.0 from source failed"):
        environment.realise(silent)
    assert not environment.tree.exists()


def test_wheels_need_no_build(shelf: Shelf, lock: str) -> None:
    """Where every package has a wheel, allowing builds changes nothing."""
    allowed = shelf.environment(lock, allow_build=True).realise(silent)
    assert allowed.reproducible
    assert shelf.environment(lock).realise(silent) == allowed


def test_a_password_is_not_shown_to_a_build(shelf: Shelf) -> None:
    """Settings of the index that hold a password stop a build before it starts."""
    if available() is Method.PLAIN:
        pytest.skip("this machine has no sandbox to build in")
    shelf.variables["UV_INDEX"] = "lab=https://me:made-up@nowhere.invalid/"
    environment = shelf.environment(only_source(shelf), allow_build=True)
    with pytest.raises(RealisationError, match="UV_INDEX holds a password"):
        environment.realise(silent)
    assert not (shelf.root / "ran").exists()


def tamper(path: Path) -> None:
    """Other bytes of the same length under the same modification time."""
    status = path.stat()
    path.write_bytes(path.read_bytes().replace(b"41", b"43"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_tampered_file_is_noticed_and_named(shelf: Shelf, lock: str) -> None:
    """The quick digest moves, the paranoid check names the file, and the next call builds anew."""
    environment = shelf.environment(lock)
    realised = environment.realise(silent)
    before = environment.check(realised, paranoid=True)
    tamper(installed(environment, "aa/__init__.py"))
    assert environment.check(realised, paranoid=False) != before
    with pytest.raises(TamperError, match=r"aa/__init__\.py") as caught:
        environment.check(realised, paranoid=True)
    assert caught.value.exit is Exit.WRONG
    events: list[Event] = []
    again = shelf.environment(lock).realise(events.append)
    assert "changed" in events[0].text
    assert installed(environment, "aa/__init__.py").read_bytes() == b"X = 41\n"
    assert again.content == realised.content
    environment.check(again, paranoid=True)


@pytest.mark.parametrize("paranoid", [False, True])
def test_an_environment_that_is_gone_is_tampered(shelf: Shelf, lock: str, *, paranoid: bool) -> None:
    """Removing the environment under a run is exit 1, not a crash."""
    environment = shelf.environment(lock)
    realised = environment.realise(silent)
    remove_tree(environment.tree)
    with pytest.raises(TamperError, match="files went"):
        environment.check(realised, paranoid=paranoid)


def test_a_forged_list_of_contents_does_not_hide_a_change(shelf: Shelf, lock: str) -> None:
    """Rewriting the kept list of contents along with a file does not pass for the realised content."""
    environment = shelf.environment(lock)
    realised = environment.realise(silent)
    file = environment.tree.parent / "contents.json"
    tamper(installed(environment, "aa/__init__.py"))
    file.write_bytes(b"{}")
    with pytest.raises(TamperError):
        environment.check(realised, paranoid=True)


def test_touched_files_are_accepted_after_hashing(shelf: Shelf, lock: str) -> None:
    """New times over the same bytes cost one hashing, are told, and build nothing."""
    environment = shelf.environment(lock)
    first = environment.realise(silent)
    os.utime(installed(environment, "aa/more.py"), ns=(1, 1))
    events: list[Event] = []
    assert environment.realise(events.append) == first
    assert ["touched" in event.text for event in events] == [True]
    events.clear()
    environment.realise(events.append)
    assert events == []


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"{}", b'{"version":1}', b'{"version":0}'])
def test_a_damaged_manifest_means_not_finished(shelf: Shelf, lock: str, damage: bytes) -> None:
    """An environment without a readable manifest is cleared and built anew."""
    environment = shelf.environment(lock)
    first = environment.realise(silent)
    (environment.tree.parent / "manifest.json").write_bytes(damage)
    assert environment.realise(silent).facts == first.facts


def test_a_replaced_interpreter_means_building_anew(shelf: Shelf, lock: str) -> None:
    """An environment whose interpreter is not the one that it was made of is built anew, and that is told."""
    environment = shelf.environment(lock)
    environment.realise(silent)
    file = environment.tree.parent / "manifest.json"
    kept = strictjson.parse(file.read_bytes(), name="manifest")
    kept["interpreter"]["mtime_ns"] -= 1
    file.write_bytes(canonical.to_bytes(kept))
    events: list[Event] = []
    environment.realise(events.append)
    assert "interpreter was replaced" in events[0].text


BUILDER = """
import json, sys
from pathlib import Path
from repro.tools.lock import parse_lock
from repro.conditions.venv import VenvEnvironment
cache, lock, variables = sys.argv[1:]
lab = VenvEnvironment(
    name="lab", lock=parse_lock(lock.encode(), name="l"), cache=Path(cache), variables=json.loads(variables)
)
print(lab.realise(lambda event: print(event.text, file=sys.stderr)).content)
"""


def start(shelf: Shelf, lock: str) -> subprocess.Popen[bytes]:
    variables = canonical.to_bytes(shelf.variables).decode()
    return subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(shelf.cache), lock, variables],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def test_two_processes_build_one_environment(shelf: Shelf, lock: str) -> None:
    """Of two processes that need the same environment at once one builds it, and both get it."""
    builders = [start(shelf, lock), start(shelf, lock)]
    said = [builder.communicate() for builder in builders]
    assert [builder.returncode for builder in builders] == [0, 0], said
    assert said[0][0] == said[1][0] != b""
    assert sum(errors.count(b"building it") for _, errors in said) == 1


class Gate:
    """A package index (PEP 503) that tells when a file is asked for, and keeps it back until it is opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked = threading.Event()
        self.open = threading.Event()

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Answer until the end of the block; yields the address."""
        gate = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.answer(200, "application/octet-stream", b"")

            def do_GET(self) -> None:
                folder, _, name = self.path.strip("/").rpartition("/")
                if folder and (gate.folder / name).is_file():
                    gate.asked.set()
                    gate.open.wait(60)
                    self.answer(200, "application/octet-stream", (gate.folder / name).read_bytes())
                    return
                names = sorted(path.name for path in gate.folder.glob(f"{name}-*"))
                links = "".join(f'<a href="/files/{file}">{file}</a>' for file in names)
                self.answer(200 if names else 404, "text/html", links.encode())

            def answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                try:
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:  # whoever asked is dead, as it should be
                    self.close_connection = True

            def log_message(self, *arguments: object) -> None:
                """Stay silent."""

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}/"
            finally:
                self.open.set()
                server.shutdown()
                thread.join()


def test_a_package_that_the_index_does_not_have_is_named(shelf: Shelf) -> None:
    """An index without the package is exit 3 with the package's name."""
    gate = Gate(shelf.folder)
    with gate.serve() as address:
        shelf.use_index(address)
        environment = shelf.environment(f"zz==1.0 --hash=sha256:{'0' * 64}\n")
        with pytest.raises(RealisationError, match=r"does not have zz") as caught:
            environment.realise(silent)
    assert "UV_DEFAULT_INDEX" in caught.value.hint


@pytest.mark.parametrize("installer_survives", [True, False])
def test_a_killed_build_is_cleared_and_repeated(shelf: Shelf, lock: str, *, installer_survives: bool) -> None:
    """After kill -9 the next call builds anew, and never beside an installer that still works."""
    environment = shelf.environment(lock)
    guard = environment.tree.parent.with_suffix(".lock")
    gate = Gate(shelf.folder)
    with gate.serve() as address:
        shelf.use_index(address)
        builder = start(shelf, lock)
        assert gate.asked.wait(60)
        (builder.kill if installer_survives else lambda: os.killpg(builder.pid, signal.SIGKILL))()
        builder.communicate()
        assert environment.tree.exists()
        assert not (environment.tree.parent / "manifest.json").exists()
        assert is_locked(guard) or not installer_survives
        told: list[str] = []

        def tell(event: Event) -> None:
            told.append(event.text)
            gate.open.set()

        realised = shelf.environment(lock).realise(tell)
        assert "waiting for another process" in told[0] or not installer_survives
    environment.check(realised, paranoid=True)
    assert process.run([str(realised.python), "-I", "-c", "import aa; print(aa.X)"]).text == "41"


def test_a_cache_that_cannot_be_written_is_an_error_with_a_reason(shelf: Shelf, lock: str) -> None:
    """A file where the cache should be is told as what it is, not as a traceback."""
    shelf.cache.write_text("")
    with pytest.raises(ReproError, match="environment lab"):
        shelf.environment(lock).realise(silent)
