"""Supply chains of several steps: two people, a layout, and everything that can be wrong with them."""

from __future__ import annotations

import base64
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.attest.conftest import KeyFiles, key_files

from repro.attest import keys, link, link_chain
from repro.core.errors import ReproError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.attest.conftest import Said

LAYOUT = """\
expires = {expires}

[[steps]]
name = "write"
keys = ["alice.pub"]
products = ["CREATE src.txt", "DISALLOW *"]

[[steps]]
name = "pack"
keys = ["bob.pub"]
materials = ["MATCH src.txt WITH PRODUCTS FROM write", "DISALLOW *"]
products = ["CREATE out.bin", "ALLOW src.txt", "DISALLOW *"]
"""


def script(text: str) -> str:
    return shlex.join([sys.executable, "-c", text])


WRITE = script("open('src.txt', 'w').write('source')")
PACK = script("open('out.bin', 'w').write(open('src.txt').read() * 2)")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, KeyFiles]:
    """Keys of three people in one folder."""
    folder = tmp_path_factory.mktemp("people")
    return {name: key_files(folder, name) for name in ("owner", "alice", "bob")}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, people: dict[str, KeyFiles]) -> Path:
    """A chain that holds: layout, both links, and what was made."""
    from repro.flows.attest_link import StepWishes, do_step, write_layout

    work = tmp_path_factory.mktemp("chain")
    for one in people.values():
        shutil.copy(one.private.with_suffix(".pub"), work)

    def of(name: str) -> keys.PrivateKey:
        return keys.load_private(people[name].private, b"")

    (work / "layout.toml").write_text(LAYOUT.format(expires="2999-01-01"))
    write_layout(work / "layout.toml", [of("owner")], work / "root.layout")
    (work / "stale.toml").write_text(LAYOUT.format(expires="2020-01-01"))
    write_layout(work / "stale.toml", [of("owner")], work / "stale.layout")
    first = StepWishes(step="write", command=WRITE, materials=(), products=("src.txt",))
    second = StepWishes(step="pack", command=PACK, materials=("src.txt",), products=("*.txt", "*.bin"))
    do_step(work, first, of("alice"), work / "links")
    do_step(work, second, of("bob"), work / "links")
    return work


@pytest.fixture
def work(finished: Path, tmp_path: Path) -> Path:
    """A copy, free to be spoilt."""
    shutil.copytree(finished, tmp_path / "work")
    return tmp_path / "work"


def chain(repro: Callable[..., Said], work: Path, layout: str = "root.layout") -> Said:
    return repro(work, "attest", "chain", layout, "--layout-key", "owner.pub", "--links", "links", "out.bin")


def test_a_chain_holds(repro: Callable[..., Said], work: Path) -> None:
    """Two steps by two people, whose files fit, lead to the artifact."""
    said = chain(repro, work)
    assert said.code == 0, said.err
    assert "the chain holds: write, pack" in said.out


def test_another_command_is_noted(
    repro: Callable[..., Said], work: Path, people: dict[str, KeyFiles]
) -> None:
    """A step that ran another command than expected is told in one line, and nothing else is printed."""
    text = LAYOUT.format(expires="2999-01-01").replace('name = "pack"', 'name = "pack"\ncommand = "tar c"')
    (work / "layout.toml").write_text(text)
    assert repro(work, "attest", "layout", "layout.toml", *people["owner"].options).code == 0
    said = chain(repro, work)
    assert (said.code, said.err) == (0, "")
    assert "note: pack." in said.out


def test_in_totos_own_tool_agrees(work: Path) -> None:
    """What is written here, `in-toto-verify` verifies."""
    done = subprocess.run(
        [
            Path(sys.executable).with_name("in-toto-verify"),
            *("--layout", "root.layout", "--verification-keys", "owner.pub", "--link-dir", "links"),
        ],
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_steps_and_layouts_by_the_command_line(
    repro: Callable[..., Said], work: Path, people: dict[str, KeyFiles]
) -> None:
    """The commands write what the library does."""
    answer = repro(work, "attest", "layout", "layout.toml", *people["owner"].options, "--out", "again.layout")
    assert answer.code == 0, answer.err
    shutil.rmtree(work / "links")
    for step, who, how in (
        ("write", "alice", [WRITE]),
        ("pack", "bob", [PACK, "--materials", "src.txt", "--products", "*.bin"]),
    ):
        words = ["--run", *how, "--products", "src.txt", *people[who].options, "--out", "links"]
        answer = repro(work, "attest", "link", step, *words)
        assert answer.code == 0, answer.err
    assert chain(repro, work, "again.layout").code == 0


def spoil_artifact(work: Path) -> None:
    (work / "out.bin").write_text("evil")


def spoil_link(work: Path) -> None:
    (file,) = (work / "links").glob("pack.*")
    envelope = json.loads(file.read_text())
    payload = base64.b64decode(envelope["payload"]).replace(b'"return-value": 0', b'"return-value": 1')
    file.write_text(json.dumps(envelope | {"payload": base64.b64encode(payload).decode()}))


def lose_link(work: Path) -> None:
    (file,) = (work / "links").glob("write.*")
    file.unlink()


def lose_all(work: Path) -> None:
    shutil.rmtree(work / "links")


def swap_owner(work: Path) -> None:
    shutil.copy(work / "alice.pub", work / "owner.pub")


def rename_link(work: Path) -> None:
    (pack,), (write,) = (work / "links").glob("pack.*"), (work / "links").glob("write.*")
    write.write_bytes(pack.read_bytes())


def give_key_twice(work: Path) -> None:
    text = (work / "root.layout").read_text()
    (work / "root.layout").write_text(text.replace('"payload":', '"payload": "", "payload":', 1))


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (spoil_artifact, 1),
        (spoil_link, 1),
        (lose_link, 3),
        (lose_all, 3),
        (swap_owner, 1),
        (rename_link, 1),
        (give_key_twice, 1),
    ],
)
def test_a_spoilt_chain_does_not_hold(
    repro: Callable[..., Said], work: Path, spoil: Callable[[Path], None], code: int
) -> None:
    """Whatever is altered is exit 1, and what is missing exit 3."""
    spoil(work)
    said = chain(repro, work)
    assert (said.code, said.out) == (code, "")
    assert "internal error" not in said.err


def test_a_stale_layout_does_not_hold(repro: Callable[..., Said], work: Path) -> None:
    """A layout that has expired is exit 1."""
    said = chain(repro, work, "stale.layout")
    assert said.code == 1
    assert "Expired" in said.err


def hostile(owner: keys.PrivateKey, **changes: Any) -> bytes:  # noqa: ANN401 - JSON
    """A layout that its owner signed, with one thing in it that must not be."""
    from in_toto.models.metadata import Envelope

    key = link.key_of(owner.public)
    step = {
        "_type": "step",
        "name": "write",
        "pubkeys": [key["keyid"]],
        "threshold": 1,
        "expected_command": [],
        "expected_materials": [],
        "expected_products": [],
    }
    document = {
        "_type": "layout",
        "steps": [step | changes.pop("step", {})],
        "inspect": [],
        "keys": {key["keyid"]: key},
        "expires": "2999-01-01T00:00:00Z",
        "readme": "",
    } | changes
    envelope = Envelope(json.dumps(document).encode(), "application/vnd.in-toto+json", {})
    envelope.create_signature(owner.signer())
    return json.dumps(envelope.to_dict()).encode()


@pytest.mark.parametrize(
    "defect", ["inspection", "threshold-0", "threshold-negative", "path", "key-twice", "no-steps"]
)
def test_a_hostile_layout_is_refused(defect: str, tmp_path: Path) -> None:
    """A layout that would run commands, demand nothing or count one key twice is refused."""
    owner = keys.generate()
    key = link.key_of(owner.public)
    mark = tmp_path / "ran"
    inspection: dict[str, Any] = {
        "_type": "inspection",
        "name": "i",
        "run": ["touch", str(mark)],
        "expected_materials": [],
        "expected_products": [],
    }
    defects: dict[str, dict[str, Any]] = {
        "inspection": {"inspect": [inspection]},
        "threshold-0": {"step": {"threshold": 0}},
        "threshold-negative": {"step": {"threshold": -1}},
        "path": {"step": {"name": "../../etc/x"}},
        "key-twice": {"keys": {key["keyid"]: key, "0" * 64: key | {"keyid": "0" * 64}}},
        "no-steps": {"steps": []},
    }
    name, data = link.link(
        link.Done(step="write", command=(), materials={}, products={"a": "0" * 64}, byproducts={}), owner
    )
    good = link_chain.verify(hostile(owner), [owner.public], {name: data})
    assert good.products == {"a": "0" * 64}
    with pytest.raises(ReproError):
        link_chain.verify(hostile(owner, **defects[defect]), [owner.public], {name: data})
    assert not mark.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no [[steps]]"),
        ("[[steps]]\nname = 'x'", "needs name and keys"),
        ("[[steps]]\nname = 'x'\nkyes = []", "line 3"),
        ("expires = 'x'\n[[steps]]\nname='x'\nkeys=['alice.pub']", "expires"),
        ("expires = 2999-01-01\n[[steps]]\nname='../x'\nkeys=['alice.pub']", "no name of a step"),
        ("expires = 2999-01-01\n[[steps]]\nname='x'\nkeys=['alice.pub']\nthreshold=2", "cannot meet"),
        ("expires = 2999-01-01\n[[steps]]\nname='x'\nkeys=['alice.pub']\nproducts=['EAT x']", "layout"),
    ],
)
def test_a_wrong_layout_file_is_refused(
    repro: Callable[..., Said], work: Path, people: dict[str, KeyFiles], text: str, said: str
) -> None:
    """A TOML file that describes no layout is exit 2 and says what is wrong."""
    (work / "bad.toml").write_text(text)
    answer = repro(work, "attest", "layout", "bad.toml", *people["owner"].options, "--out", "bad.layout")
    assert answer.code == 2
    assert said in answer.err
    assert not (work / "bad.layout").exists()
