"""`repro verify` and `repro policy` from the command line: exit codes, documents, reports, nothing heavy."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.sigstore.order import GITHUB, WORKFLOW, Order
from tests.sigstore.world import PrivateSigstore

from repro.attest.keys import generate, write_private
from repro.attest.signing import KeySigner
from repro.attest.statement import statement
from repro.cli.main import run
from repro.core.subject import Subject
from repro.render.words import one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = generate()
CONTENT = b"artifact"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A signed file, and the key."""
    (tmp_path / "key.pub").write_bytes(KEY.public.to_pem())
    (tmp_path / "a.bin").write_bytes(CONTENT)
    (tmp_path / "a.bin.sigstore.json").write_bytes(KeySigner(key=KEY).blob(CONTENT))
    return tmp_path


@pytest.fixture
def repro(work: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Calls in this process: exit code, standard output, standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run(["-C", str(work), *arguments])
        return code, *capfd.readouterr()

    return call


def test_exit_codes(work: Path, repro: Callable[..., tuple[int, str, str]]) -> None:
    """0 verified, 1 refused, 2 wrong usage, 3 without any attestation."""
    assert repro("verify", "a.bin", "--key", "key.pub")[0] == 0
    assert repro("verify", "key.pub", "--key", "key.pub")[0] == 3
    assert repro("verify", "a.bin", "--key", "lost.pub")[0] == 2
    assert repro("verify", "a.bin")[0] == 2
    assert repro("verify")[0] == 2
    assert repro("verify", "a.bin", "--identity", "ada@example.org")[0] == 2
    assert repro("verify", "a.bin", "--key", "key.pub", "--vsa", "x.json")[0] == 2
    (work / "a.bin").write_bytes(b"altered")
    assert repro("verify", "a.bin", "--key", "key.pub")[0] == 1


@pytest.mark.parametrize("content", [CONTENT, b"altered"])
def test_one_document_on_success_and_failure(
    content: bytes, work: Path, repro: Callable[..., tuple[int, str, str]]
) -> None:
    """--json prints all checks whatever came of them; the text has at most 80 columns and no escapes."""
    (work / "a.bin").write_bytes(content)
    code, out, err = repro("verify", "a.bin", "--key", "key.pub", "--json")
    document: dict[str, Any] = json.loads(out)
    assert (document["version"], document["exit"], err) == (1, code, "")
    (artifact,) = document["artifacts"]
    assert [one["step"] for one in artifact["evidence"][0]["checks"]] == list(range(1, 9))
    _, text, _ = repro("verify", "a.bin", "--key", "key.pub")
    assert max(map(len, text.splitlines())) <= 80
    assert all(one_line(line) == line for line in text.splitlines())


def test_reports_are_written(work: Path, repro: Callable[..., tuple[int, str, str]]) -> None:
    """Markdown and SARIF say what the text says; a failure is a result of SARIF, a success is none."""
    code, _, _ = repro("verify", "a.bin", "--key", "key.pub", "--markdown", "r.md", "--sarif", "r.sarif")
    assert code == 0
    assert "| a.bin | verified |" in (work / "r.md").read_text()
    assert json.loads((work / "r.sarif").read_text())["runs"][0]["results"] == []
    (work / "a.bin").write_bytes(b"altered")
    repro("verify", "a.bin", "--key", "key.pub", "--markdown", "r.md", "--sarif", "r.sarif")
    assert "| a.bin | refused |" in (work / "r.md").read_text()
    (first, *_) = json.loads((work / "r.sarif").read_text())["runs"][0]["results"]
    assert first["ruleId"] == "repro/refused"


def test_names_cannot_steer_a_terminal_or_a_table(
    work: Path, repro: Callable[..., tuple[int, str, str]]
) -> None:
    """A file whose name holds escapes, line ends and markup is shown with them spelt out."""
    name = "a\x1b[2J\n| <b>@x.bin"
    (work / name).write_bytes(b"x")
    code, out, _ = repro("verify", name, "--key", "key.pub", "--markdown", "r.md")
    assert code == 3
    assert "\x1b" not in out
    assert "<b>" not in (work / "r.md").read_text().split("```")[0]


def test_an_identity_with_its_issuer(work: Path, repro: Callable[..., tuple[int, str, str]]) -> None:
    """--identity and --issuer are exact: a longer identity, another case and another issuer are refused."""
    world = PrivateSigstore()
    (work / "root.json").write_bytes(world.trusted_root())
    (work / "a.bin.sigstore.json").write_bytes(world.sign(Order(payload=CONTENT, form="message")))

    def code(identity: str, issuer: str) -> int:
        options = ("--identity", identity, "--issuer", issuer, "--trusted-root", "root.json", "--offline")
        return repro("verify", "a.bin", *options)[0]

    assert code(WORKFLOW, GITHUB) == 0
    assert code(WORKFLOW, GITHUB + "/") == 1
    assert code(WORKFLOW + "-evil", GITHUB) == 1
    assert code(WORKFLOW.upper(), GITHUB) == 1
    assert code(".*", GITHUB) == 1


def test_a_summary_is_written_and_read(work: Path, repro: Callable[..., tuple[int, str, str]]) -> None:
    """--vsa with --vsa-key writes a bundle that a policy for summaries accepts."""
    write_private(work / "repro.key", KEY.to_pem(b""))
    uri = "pkg:generic/a@1"
    signing = ("--vsa", "vsa.json", "--vsa-key", "repro.key", "--verifier", "https://v.example")
    assert repro("verify", "a.bin", "--key", "key.pub", *signing, "--resource-uri", uri)[0] == 0
    (work / "policy.toml").write_text(
        f"""
version = 1
name = "x"
[signers.v]
key = "key.pub"
[[artifacts]]
name = "all"
match = ["*"]
[artifacts.demands.summary]
kind = "vsa"
signers = ["v"]
verifiers = ["https://v.example"]
resource_uri = "{uri}"
levels = ["SLSA_BUILD_LEVEL_UNEVALUATED"]
"""
    )
    assert repro("verify", "a.bin", "--bundle", "vsa.json", "--policy", "policy.toml")[0] == 0


def test_a_first_policy_accepts_what_it_was_made_from(
    work: Path, repro: Callable[..., tuple[int, str, str]]
) -> None:
    """`policy init` writes a policy that `check` finds in order and under which the artifacts verify."""
    assert repro("policy", "init", "a.bin", "--key", "key.pub")[0] == 0
    assert repro("policy", "init", "a.bin", "--key", "key.pub")[0] == 2
    assert repro("policy", "check", "policy.toml")[:2] == (0, "policy.toml: in order\n")
    assert json.loads(repro("policy", "check", "policy.toml", "--json")[1])["rules"] == ["rule-1"]
    assert "a.bin needs all of this" in repro("policy", "explain", "policy.toml")[1]
    assert repro("verify", "a.bin", "--policy", "policy.toml")[0] == 0
    assert repro("policy", "init", "key.pub", "--key", "key.pub", "--out", "b.toml")[0] == 3
    (work / "policy.toml").write_text((work / "policy.toml").read_text() + "x = 1\n")
    assert repro("policy", "check", "policy.toml")[0] == 2


def test_a_first_policy_asks_no_sbom_of_one_that_names_nothing(
    work: Path, repro: Callable[..., tuple[int, str, str]]
) -> None:
    """An SBOM without components meets no demand for one: the first policy demands the statement as it is."""
    subject = Subject(name="a.bin", digests={"sha256": hashlib.sha256(CONTENT).hexdigest()})
    empty = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": []}
    some = empty | {"components": [{"type": "library", "name": "x", "version": "1", "bom-ref": "x"}]}
    for name, sbom, kind in (("empty", empty, "statement"), ("some", some, "sbom")):
        bundle = KeySigner(key=KEY).statement(statement([subject], "https://cyclonedx.org/bom", sbom))
        (work / "a.bin.sigstore.json").write_bytes(bundle)
        assert repro("policy", "init", "a.bin", "--key", "key.pub", "--out", f"{name}.toml")[0] == 0
        assert f'kind = "{kind}"' in (work / f"{name}.toml").read_text()
        assert repro("verify", "a.bin", "--policy", f"{name}.toml")[0] == 0


def test_by_key_nothing_heavy_is_imported(work: Path) -> None:
    """One verification by key loads neither sigstore, nor pydantic, nor anything that speaks HTTP."""
    program = """
import sys
from repro.cli.main import run
code = run(["verify", "a.bin", "--key", "key.pub", "-q"])
heavy = {"sigstore", "pydantic", "requests", "rekor_types", "securesystemslib", "packaging", "numpy", "rich"}
print(code, sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=work, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 []"


def test_a_missing_token_is_in_no_output(
    work: Path, repro: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token for GitHub is in no output, whatever goes wrong on the way."""
    token = "ghp_" + "s" * 36
    monkeypatch.setenv("GITHUB_TOKEN", token)
    policy = work / "policy.toml"
    assert repro("policy", "init", "a.bin", "--key", "key.pub")[0] == 0
    policy.write_text(policy.read_text() + '[github]\nrepository = "a/b"\napi = "http://127.0.0.1:9/"\n')
    code, out, err = repro("verify", "a.bin", "--policy", "policy.toml", "--json", "-v")
    assert code == 0
    assert token not in out + err
