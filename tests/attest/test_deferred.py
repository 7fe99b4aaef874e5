"""What only a network needs is loaded when it is used, and is then the module itself."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel, ValidationError
from tests.sigstore.order import GITHUB, WORKFLOW, Order
from tests.sigstore.world import PrivateSigstore

from repro.attest.deferred import deferred, unbuilt_models

if TYPE_CHECKING:
    from pathlib import Path

VERIFY = f"""
import sys
from pathlib import Path
from repro.attest.reading import Evidence
from repro.attest.trust import load_trust
from repro.verify.artifact import open_artifact
from repro.verify.protocol import verify
from repro.verify.signers import Expectation, Identity
who = Expectation(identities=(Identity(identity={WORKFLOW!r}, issuer={GITHUB!r}),))
evidence = Evidence(name="bundle", raw=Path("bundle").read_bytes())
outcome = verify(open_artifact(Path("artifact")), evidence, who, load_trust(Path("root")))
unused = {{"requests", "urllib3", "tuf.ngclient", "jwt", "rich", "rekor_types._internal.rpm"}}
print(outcome.is_accepted, sorted(unused & set(sys.modules)))
"""

THEN_READ = """
import rekor_types
from pydantic import TypeAdapter, ValidationError
entries = TypeAdapter(rekor_types.ProposedEntry)
try:
    entries.validate_python({"kind": "rpm", "apiVersion": "0.0.1", "spec": {}})
except ValidationError as error:
    print(sorted(one["loc"][-1] for one in error.errors()))
print(rekor_types.rpm.RpmSchema is sys.modules["rekor_types._internal.rpm"].RpmSchema)
"""

THEN_ASK = """
import requests
from requests.adapters import HTTPAdapter
from sigstore import oidc
from sigstore._internal import USER_AGENT, timestamp, tuf
from sigstore.models import ClientTrustConfig
import tuf.ngclient as client, jwt
assert USER_AGENT.endswith(f"(python-requests/{requests.__version__})"), USER_AGENT
assert oidc.requests.Session is timestamp.requests.Session is requests.Session
assert isinstance(timestamp.TimestampAuthorityClient("http://127.0.0.1:9/")._session, requests.Session)
assert oidc.jwt.decode is jwt.decode
from sigstore._internal.tuf import UpdaterConfig
assert isinstance(UpdaterConfig(), client.UpdaterConfig)
try:
    oidc.IdentityToken("x.y.z")
except oidc.IdentityError as error:
    print(error)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An artifact, its bundle and the root."""
    world = PrivateSigstore()
    (tmp_path / "artifact").write_bytes(b"artifact")
    (tmp_path / "bundle").write_bytes(world.sign(Order(payload=b"artifact", form="message")))
    (tmp_path / "root").write_bytes(world.trusted_root())
    return tmp_path


def called(folder: Path, program: str) -> list[str]:
    """The lines that a program writes."""
    argv = [sys.executable, "-c", program]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True).stdout.splitlines()


def test_verifying_by_identity_loads_nothing_for_networks(folder: Path) -> None:
    """One verification by identity loads no client of HTTP or TUF, no reader of tokens, no other entries."""
    assert called(folder, VERIFY) == ["True []"]


def test_what_is_used_is_the_module_itself(folder: Path) -> None:
    """After a verification, whoever asks a network does so with the modules that others import too."""
    assert called(folder, VERIFY + THEN_ASK) == ["True []", "Identity token is malformed or missing claims"]


def test_entries_of_other_kinds_are_checked_as_ever(folder: Path) -> None:
    """After a verification, an entry of a kind that was not loaded is held against that kind's own model."""
    assert called(folder, VERIFY + THEN_READ) == ["True []", "['package', 'publicKey']", "True"]


def test_a_model_that_waits_is_as_strict() -> None:
    """A model defined meanwhile is built at its first use, and refuses as any other; later ones are built."""
    with unbuilt_models():

        class Waiting(BaseModel):
            number: int

    class Ready(BaseModel):
        number: int

    assert not Waiting.__pydantic_complete__
    assert Ready.__pydantic_complete__
    assert Waiting(number=1).number == 1
    with pytest.raises(ValidationError):
        Waiting.model_validate_json('{"number": "x"}')
    assert Waiting.__pydantic_complete__


def test_other_threads_get_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that imports meanwhile gets the module, and so does everybody from then on."""
    monkeypatch.delitem(sys.modules, "wave", raising=False)

    def other() -> object:
        import wave

        return wave.open

    with deferred("wave"):
        import wave as ours

        early = ours.Wave_read
        with ThreadPoolExecutor(1) as pool:
            found = pool.submit(other).result()
    import wave

    assert found is wave.open
    assert ours.Wave_read is wave.Wave_read
    with pytest.raises(FileNotFoundError):
        early("/nonexistent/x.wav")


def test_what_is_loaded_is_left_alone() -> None:
    """A module that is there already is not deferred, and an unknown one is unknown when it is used."""
    with deferred("json", "no_such_module_at_all"):
        import json as ours

        import no_such_module_at_all as none  # type: ignore[import-not-found]
    import json

    assert ours is json
    with pytest.raises(ModuleNotFoundError):
        none.anything()
