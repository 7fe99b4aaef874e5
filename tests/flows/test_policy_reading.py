"""Policies as files: strict, told with line and key, never weaker than they look; their schema is current."""

from __future__ import annotations

import json
import tomllib
from contextlib import suppress
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.attest.keys import generate
from repro.core.canonical import to_pretty_bytes
from repro.core.errors import ConfigError
from repro.flows.policy_reading import parse_policy
from repro.flows.policy_tables import json_schema
from repro.render.policy_text import policy_text
from repro.verify.policy import Provenance

HERE = Path(__file__).resolve().parents[2]

POLICY = """
version = 1
name = "release"
[signers.me]
key = "key.pub"
[signers.ci]
identity = "https://github.com/example/lab/.github/workflows/release.yml@refs/tags/v1"
issuer = "https://token.actions.githubusercontent.com"
[signers.any-tag]
identity_pattern = 'https://github\\.com/example/lab/\\.github/workflows/release\\.yml@refs/tags/v[0-9.]+'
issuer = "https://token.actions.githubusercontent.com"
[builders.hosted]
id = "https://github.com/actions/runner/github-hosted"
signers = ["ci"]
level = 3
operator = "github"
[build_types.workflow]
uri = "https://actions.github.io/buildtypes/workflow/v1"
[build_types.workflow.parameters]
workflow = { any = true }
inputs = { equals = {}, optional = true }
[[artifacts]]
name = "wheels"
match = ["dist/*.whl"]
agree = [["build:/predicate/a", "replay:/predicate/b"]]
[artifacts.demands.build]
kind = "provenance"
builders = ["hosted"]
level = 3
build_types = ["workflow"]
source = "https://github.com/example/lab"
tag_pattern = 'v[0-9.]+'
max_age_days = 90
[artifacts.demands.sbom]
kind = "sbom"
signers = ["ci", "me"]
threshold = 2
matches = true
deny_licences = ["AGPL-*"]
max_severity = "high"
[artifacts.demands.replay]
kind = "replay"
signers = ["any-tag"]
experiments = ["branin"]
max_age_days = 30
[artifacts.demands.summary]
kind = "vsa"
signers = ["me"]
verifiers = ["https://verifier.example"]
resource_uri = "pkg:pypi/{name}"
levels = ["SLSA_BUILD_LEVEL_3"]
[artifacts.remember]
order = "version"
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a public key."""
    place = tmp_path_factory.mktemp("policy")
    (place / "key.pub").write_bytes(generate().public.to_pem())
    return place


def test_a_whole_policy(folder: Path) -> None:
    """Everything that a policy can say is read, and said again in words of at most 80 columns."""
    policy = parse_policy(POLICY.encode(), name="policy.toml", folder=folder)
    build = policy.rules[0].demands[0]
    assert isinstance(build, Provenance)
    assert (build.level, [one.name for one in build.signers]) == (3, ["ci"])
    text = policy_text(policy)
    for word in (
        "hosted",
        "level 3",
        "branin",
        "AGPL-*",
        "2 different ones",
        "90 days",
        "not older",
        "pattern",
    ):
        assert word in text
    assert max(len(line) for line in text.splitlines() if " " in line.strip()) <= 80


def test_the_schema_is_current(folder: Path) -> None:
    """`docs/reference/policy.schema.json` is made from the models, and holds for the example."""
    shipped = (HERE / "docs" / "reference" / "policy.schema.json").read_bytes()
    assert shipped == to_pretty_bytes(json_schema())
    jsonschema.validate(tomllib.loads(POLICY), json.loads(shipped))
    del folder


WRONG = [
    ("version = 1", "version = 2", "version"),
    ("version = 1", "version = true", "version"),
    ('name = "release"', "", "name: missing"),
    ("threshold = 2", "threshold = 0", "threshold"),
    ("threshold = 2", "threshold = -1", "threshold"),
    ("threshold = 2", "threshold = 3", "3 signers are needed; named: 2"),
    ("threshold = 2", "treshold = 2", "did you mean 'threshold'"),
    ("level = 3\nbuild_types", "level = 4\nbuild_types", "level"),
    ("level = 3\noperator", "level = 2\noperator", "no builder here has more than 2"),
    ('signers = ["ci"]', 'signers = ["cl"]', "did you mean 'ci'"),
    ('signers = ["ci"]', "signers = []", "builders.hosted.signers"),
    ('key = "key.pub"', 'key = "lost.pub"', "lost.pub"),
    ('key = "key.pub"', 'key = "key.pub"\nissuer = "https://x"', "a key has no issuer"),
    ('key = "key.pub"', "", "neither identity nor key"),
    ('key = "key.pub"', 'key = "key.pub"\nidentity = "x"', "identity and key"),
    ("identity_pattern = '", "identity_pattern = '(", "identity_pattern"),
    ("identity_pattern = 'https", "identity_pattern = '.*|https", "matches anybody"),
    ('"https://github.com/example/lab"\ntag', '"https://github.com/example/lab/"\ntag', "source"),
    ('"https://github.com/example/lab"\ntag', '"https://me@github.com/example/lab"\ntag', "names a user"),
    ("tag_pattern = 'v[0-9.]+'", 'tag = "refs/tags/v1"', 'write tag = "v1"'),
    ("tag_pattern = 'v[0-9.]+'", 'tag = "v1"\nbranch = "main"', "also branch"),
    ("tag_pattern = 'v[0-9.]+'", 'branch = "a..b"', "branch"),
    ('source = "https://github.com/example/lab"\n', "", "source: missing"),
    ('source = "https', 'independent = 2\nsource = "https', "operators of builders are needed; named: 1"),
    ("workflow = { any = true }", "workflow = { }", "nothing of its value"),
    ("workflow = { any = true }", "workflow = { any = true, equals = 1 }", "equals and any"),
    ("workflow = { any = true }", "workflow = { equals = 2026-01-01 }", "parameters.workflow"),
    ("workflow = { any = true }", 'workflow = { pattern = "(" }', "not a regular expression"),
    ('"AGPL-*"', '"AGPL"', "no SPDX licence"),
    ("SLSA_BUILD_LEVEL_3", "SLSA_BUILD_LEVEL_THREE", "no level"),
    ('kind = "replay"', 'kind = "reply"', "no kind of demand"),
    ('"replay:/predicate/b"', '"reply:/predicate/b"', "did you mean 'replay'"),
    ('"replay:/predicate/b"', '"replay"', "is not DEMAND:/POINTER"),
    ("[artifacts.remember]\n", "[artifacts.remember]\nfoo = 1\n", "foo: unknown key"),
    ('experiments = ["branin"]', "experiments = []", "demands.replay.experiments"),
    ("level = 3\nbuild_types", "level = 3\nsigners = []\nbuild_types", "demands.build.signers"),
    ('["AGPL-*"]', "[]", "demands.sbom.deny_licences"),
    ('build_types = ["workflow"]', "build_types = []", "demands.build.build_types"),
    ('experiments = ["branin"]', 'linked_by = "build"', "no demand 'build' of kind release"),
    ('match = ["dist/*.whl"]', 'match = ["[z-a]"]', "match"),
    ("version = 1", "version = 1\nexpires = 2026-13-01", "not TOML"),
    ("version = 1", "version = 1\nextra = 1", "extra: unknown key"),
]


@pytest.mark.parametrize(("right", "wrong", "said"), WRONG, ids=[one[2] for one in WRONG])
def test_a_wrong_policy_is_refused_with_its_place(folder: Path, right: str, wrong: str, said: str) -> None:
    """One mistake is told with the file, the line and the key, and no policy comes of it."""
    assert right in POLICY
    with pytest.raises(ConfigError) as failed:
        parse_policy(POLICY.replace(right, wrong).encode(), name="policy.toml", folder=folder)
    assert said in f"{failed.value.message} {failed.value.hint}"
    assert "policy.toml, line " in failed.value.message or said == "name: missing"


def test_no_rules_are_no_policy(folder: Path) -> None:
    """A policy that demands nothing would accept anything, and is refused."""
    head = POLICY[: POLICY.index("[[artifacts]]")]
    for text in (head, head + '[[artifacts]]\nname = "x"\nmatch = ["*"]\n', head + "artifacts = []\n"):
        with pytest.raises(ConfigError):
            parse_policy(text.encode(), name="policy.toml", folder=folder)


def test_two_rules_have_two_names(folder: Path) -> None:
    """Rules are remembered by their names, so no two have the same."""
    rule = POLICY[POLICY.index("[[artifacts]]") :]
    with pytest.raises(ConfigError, match="two rules are called 'wheels'"):
        parse_policy((POLICY + rule).encode(), name="policy.toml", folder=folder)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_policy_or_an_error(folder: Path, data: bytes) -> None:
    """Whatever a file holds, ConfigError is all that comes out of reading it."""
    with pytest.raises(ConfigError):
        parse_policy(data, name="policy.toml", folder=folder)


@given(data=st.data())
def test_any_mangled_policy_is_a_policy_or_an_error(folder: Path, data: st.DataObject) -> None:
    """A policy with any line replaced by any other is read or refused, and never breaks the reader."""
    lines = POLICY.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = data.draw(st.sampled_from(lines) | st.text(max_size=20))
    with suppress(ConfigError):
        parse_policy("\n".join(lines).encode(errors="replace"), name="policy.toml", folder=folder)
