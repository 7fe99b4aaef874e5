"""`repro audit` by the command line: exit codes, forms, hostile words, and the same bytes each time."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from tests.cli.test_sbom_cli import repro
from tests.sbom.audit.databases import entry, folder_of

if TYPE_CHECKING:
    from tests.cli.test_sbom_cli import Answer

SARIF = Path(__file__).parents[1] / "render" / "sarif-essentials.schema.json"
NOW = ("--max-age", "36500")
HOSTILE = "\x1b[31m| <img src=x> `red`\n::error::x\u202e" + "long " * 60


def sbom_of(*purls: str, **more: Any) -> str:  # noqa: ANN401 - JSON
    """A CycloneDX document of components."""
    parts = [
        {"type": "library", "name": purl.split("/")[-1].split("@")[0], "bom-ref": purl, "purl": purl, **more}
        for purl in purls
    ]
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": parts})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A database of two findings, one of them hostile, and an SBOM that has them."""
    folder_of(
        tmp_path / "osv",
        entry("GHSA-1", aliases=["CVE-2026-1"]),
        entry(f"X-{HOSTILE}", package="other", summary=HOSTILE, aliases=[f"Y {HOSTILE}"], severity=[]),
    )
    text = sbom_of("pkg:pypi/demo@1.0", "pkg:pypi/other@1.0", "pkg:nix/thing@1")
    (tmp_path / "sbom.json").write_text(text, encoding="utf-8")
    (tmp_path / "clean.json").write_text(sbom_of("pkg:pypi/demo@2.0"), encoding="utf-8")
    (tmp_path / "nothing.json").write_text(sbom_of("pkg:nix/thing@1"), encoding="utf-8")
    return tmp_path


def audit(folder: Path, *arguments: str, **variables: str) -> Answer:
    return repro(folder, "audit", *arguments, "--db", "osv", *NOW, **variables)


@pytest.mark.parametrize(("sbom", "code"), [("sbom.json", 1), ("clean.json", 0), ("nothing.json", 3)])
def test_the_exit_code_tells_found_clean_and_not_checked(folder: Path, sbom: str, code: int) -> None:
    """1 where something was found, 0 where nothing was, 3 where nothing could be; `--json` says the same."""
    assert audit(folder, sbom).code == code
    answer = audit(folder, sbom, "--json")
    assert (answer.code, answer.document["exit"], answer.document["version"]) == (code, code, 1)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("sbom.json",), 2, "no vulnerability database is named"),
        (("sbom.json", "--db", "absent"), 3, "no vulnerability database at absent"),
        (("sbom.json", "--db", "osv", "--max-age", "0"), 3, "older than 0 days"),
        (("absent.json", "--db", "osv"), 3, "no file absent.json"),
        (("sbom.json", "--db", "osv", "--vex", "absent.json"), 3, "no file absent.json"),
        (("sbom.json", "--db", "osv", "--vex", "sbom.json", "--severity", "huge"), 2, "huge"),
        (("osv/0.json", "--db", "osv"), 1, "no SBOM"),
        (("sbom.json", "--db", "osv", *NOW, "--vex", "osv/0.json"), 1, "no VEX document"),
    ],
)
def test_what_stands_in_the_way_is_said_with_its_exit_code(
    folder: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """Each mistake is one error with a hint, and one JSON document where that is asked for."""
    answer = repro(folder, "audit", *arguments)
    assert answer.code == code
    assert words in answer.err
    assert repro(folder, "audit", *arguments, "--json").document["version"] == 1


def test_words_of_strangers_steer_no_terminal_and_stay_in_80_columns(folder: Path) -> None:
    """Escapes, line ends and bidirectional marks of a database come out as text, in lines of 80 columns."""
    text = audit(folder, "sbom.json").out.decode()
    assert all(line.isprintable() for line in text.splitlines())
    assert max(map(len, text.splitlines())) <= 80
    assert "\\x1b[31m" in text


def test_a_threshold_lets_pass_what_is_below_and_lists_it(folder: Path) -> None:
    """A high finding does not count from critical on, and is still shown."""
    (folder / "one.json").write_text(sbom_of("pkg:pypi/demo@1.0"), encoding="utf-8")
    answer = audit(folder, "one.json", "--severity", "critical")
    assert answer.code == 0
    assert "below the severity asked for (1)" in answer.out.decode()


def test_sarif_is_valid_and_tells_what_is_suppressed(folder: Path) -> None:
    """The document follows the standard's schema; a patched finding is there, suppressed with its reason."""
    resolved = {"type": "security", "id": "CVE-2026-1"}
    pedigree = {"patches": [{"type": "backport", "diff": {"url": "x.patch"}, "resolves": [resolved]}]}
    text = sbom_of("pkg:pypi/demo@1.0", pedigree=pedigree)
    (folder / "patched.json").write_text(text, encoding="utf-8")
    assert audit(folder, "patched.json", "--sarif", "a.sarif").code == 0
    assert audit(folder, "sbom.json", "--sarif", "b.sarif").code == 1
    schema = json.loads(SARIF.read_text(encoding="utf-8"))
    patched, found = (json.loads((folder / name).read_text()) for name in ("a.sarif", "b.sarif"))
    for document in (patched, found):
        jsonschema.validate(document, schema)
    (result,) = patched["runs"][0]["results"]
    assert result["suppressions"] == [{"kind": "external", "justification": "resolved by patch x.patch"}]
    run = found["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[each["ruleIndex"]]["id"] for each in run["results"]] == [
        each["ruleId"] for each in run["results"]
    ]
    assert {"CVE-2026-1"} < {rule["id"] for rule in rules}
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert any("pkg:nix" in note["message"]["text"] for note in notes)


def test_markdown_keeps_its_cells_closed(folder: Path) -> None:
    """No word of a database ends a cell, opens a tag or begins a line."""
    assert audit(folder, "sbom.json", "--markdown", "a.md").code == 1
    text = (folder / "a.md").read_text(encoding="utf-8")
    assert "<img" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert rows
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 6 for row in rows)


def test_the_same_inputs_give_the_same_bytes(folder: Path) -> None:
    """JSON, SARIF and Markdown do not depend on hash seeds."""
    forms = []
    for seed in ("1", "2"):
        answer = audit(
            folder, "sbom.json", "--json", "--sarif", "a.sarif", "--markdown", "a.md", PYTHONHASHSEED=seed
        )
        forms.append((answer.out, *((folder / name).read_bytes() for name in ("a.sarif", "a.md"))))
    assert forms[0] == forms[1]


def test_the_table_of_the_project_names_database_and_vex(folder: Path) -> None:
    """`[audit]` stands in for options, is seen from its own folder, and a VEX document ends on its day."""
    statement = {
        "vulnerability": {"name": "CVE-2026-1"},
        "products": [{"@id": "pkg:pypi/demo@1.0"}],
        "status": "not_affected",
        "justification": "component_not_present",
        "timestamp": "2026-01-01T00:00:00Z",
    }
    vex = {"@context": "https://openvex.dev/ns/v0.2.0", "statements": [statement]}
    (folder / "vex.json").write_text(json.dumps(vex), encoding="utf-8")
    toml = 'version = 1\n[audit]\ndatabase = "osv"\nmax_age_days = 36500\n[[audit.vex]]\nfile = "vex.json"\n'
    (folder / "repro.toml").write_text(toml, encoding="utf-8")
    below = folder / "below"
    below.mkdir()
    (below / "one.json").write_text(sbom_of("pkg:pypi/demo@1.0"), encoding="utf-8")
    assert repro(below, "audit", "one.json").code == 0
    (folder / "repro.toml").write_text(toml + 'expires = "2026-02-01"\n', encoding="utf-8")
    answer = repro(below, "audit", "one.json")
    assert answer.code == 1
    assert "its VEX statement expired on 2026-02-01" in answer.out.decode()
    (folder / "repro.toml").write_text(toml.replace("[[", "vex_max_age_days = 1\n[["), encoding="utf-8")
    assert repro(below, "audit", "one.json").code == 1
