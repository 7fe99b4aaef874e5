"""Google Cloud Storage: the emulator over HTTP, with the faults of real clouds injected in front of it."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from tests.data.cloud import BUCKET, QUOTA, Cloud, cloud

from repro.core.errors import DataError
from repro.core.events import Event, Kind
from repro.data import google
from repro.data.cache import Standing
from repro.data.needs import all_parts, needs, parts_of, reader
from repro.data.provide import fetch_missing, provide
from repro.data.transfer import push
from repro.tools import host

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.data.conftest import Lab

    from repro.data.pointers import Object

EVERYTHING = ["data/nist", "data/one.csv"]
TRIES = 6
"""How often gcsfs makes a request that may go well another time."""


@pytest.fixture
def gcs() -> Iterator[Cloud]:
    """A cloud of its own for each test; only an environment of packages from elsewhere lacks the emulator."""
    if find_spec("gcp_storage_emulator") is None:
        assert not host.variables().get("CI"), "gcp-storage-emulator is among the development dependencies"
        pytest.skip("gcp-storage-emulator is not installed")
    with cloud() as made:
        yield made


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, which are noted instead of made."""
    import asyncio

    noted: list[float] = []

    async def pause(seconds: float) -> None:
        noted.append(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr("gcsfs.retry.asyncio", SimpleNamespace(sleep=pause))
    return noted


@pytest.fixture
def team(lab: Lab, gcs: Cloud) -> Lab:
    """The checkout with a bucket as its default remote, which holds what the folder beside it held."""
    configure(lab, gcs, f"gs://{BUCKET}/shared")
    for path in lab.store.rglob("*"):
        if path.is_file():
            gcs.put(f"shared/{path.relative_to(lab.store).as_posix()}", path.read_bytes())
    return lab


def configure(lab: Lab, gcs: Cloud, url: str, **more: str) -> None:
    settings = {"url": url, "endpointurl": gcs.url, "allow_anonymous_login": "true", **more}
    (lab.root / ".dvc/config.local").write_text(
        "[core]\n remote = cloud\n['remote \"cloud\"']\n"
        + "".join(f" {key} = {value}\n" for key, value in settings.items())
    )


def wanted(lab: Lab, *inputs: str) -> tuple[Object, ...]:
    parts = parts_of(lab.root, inputs) if inputs else all_parts(lab.root)
    return needs(parts, reader(lab.remote.cache, None)).objects


def cached(lab: Lab) -> set[str]:
    """Every file of the cache but the lock: half files would be among them."""
    found = {p.relative_to(lab.cache).as_posix() for p in lab.cache.rglob("*") if p.is_file()}
    return found - {"repro/lock"}


def stored(gcs: Cloud) -> set[str]:
    return {name.removeprefix("shared/") for name in gcs.objects()}


def refused(lab: Lab, *inputs: str) -> DataError:
    with pytest.raises(DataError) as caught:
        fetch_missing(lab.root, inputs or EVERYTHING, lab.remote)
    assert caught.value.hint
    return caught.value


def test_data_arrives_from_a_bucket(team: Lab, gcs: Cloud, tmp_path: Path) -> None:
    """A fresh clone gets every file byte for byte, one request for each object, and silently."""
    gcs.seen.clear()
    provide(team.root, EVERYTHING, team.remote, tmp_path / "target")
    assert {name: (tmp_path / "target" / name).read_bytes() for name in team.files} == dict(team.files)
    asked = [path for method, path in gcs.seen if "/o/shared" in path]
    assert len(asked) == len(set(asked)) == len(team.files) + 1


def test_a_part_takes_that_part_only(team: Lab, gcs: Cloud) -> None:
    """A partial pull asks for the manifest and what lies below the part, and for nothing else."""
    fetch_missing(team.root, ["data/nist/sub"], team.remote)
    assert len(cached(team)) == 3
    assert not team.object_of("data/nist/Norris.dat").exists()


def test_what_is_pushed_is_pulled_again(lab: Lab, gcs: Cloud, tmp_path: Path) -> None:
    """A push to an empty bucket stores every object once; a second one stores nothing; a pull is whole."""
    fetch_missing(lab.root, EVERYTHING, lab.remote)
    configure(lab, gcs, f"gs://{BUCKET}/shared")
    objects = wanted(lab)
    assert len(push(lab.remote.cache, objects, lab.remote.shelf()).moved) == len(objects)
    assert stored(gcs) == {one.location for one in objects}
    assert push(lab.remote.cache, objects, lab.remote.shelf()).moved == ()
    shutil.rmtree(lab.cache)
    provide(lab.root, EVERYTHING, lab.remote, tmp_path / "target")
    assert (tmp_path / "target/data/one.csv").read_bytes() == lab.files["data/one.csv"]


def test_a_large_object_goes_up_and_comes_down_in_parts(lab: Lab, gcs: Cloud, tmp_path: Path) -> None:
    """An object beyond the size of one upload goes through a resumable one, and comes back whole."""
    import hashlib

    data = bytes(range(256)) * (6 << 12)  # 6 MiB; gcsfs uploads up to 5 MiB at once
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    (lab.root / "data/big.bin.dvc").write_text(f"outs:\n- md5: {md5}\n  hash: md5\n  path: big.bin\n")
    place = lab.cache / "files/md5" / md5[:2] / md5[2:]
    place.parent.mkdir(parents=True)
    place.write_bytes(data)
    configure(lab, gcs, f"gs://{BUCKET}/shared")
    push(lab.remote.cache, wanted(lab, "data/big.bin"), lab.remote.shelf())
    assert any("uploadType=resumable" in path for _, path in gcs.seen)
    place.unlink()
    fetch_missing(lab.root, ["data/big.bin"], lab.remote)
    assert place.read_bytes() == data


@pytest.mark.parametrize("status", [429, 500, 503, 0, -1], ids=["429", "500", "503", "cut", "timeout"])
def test_a_passing_fault_is_got_over(
    team: Lab, gcs: Cloud, waits: list[float], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many requests, server errors, cut answers and no answer at all are tried again, and it arrives."""
    monkeypatch.setattr(google, "IDLE_SECONDS", 0.5)
    gcs.fail("GET", team.object_of("data/one.csv").name, status, times=2)
    fetch_missing(team.root, EVERYTHING, team.remote)
    assert team.object_of("data/one.csv").read_bytes() == team.files["data/one.csv"]
    assert waits


@pytest.mark.parametrize("status", [429, 500])
def test_a_lasting_fault_ends_in_bounded_time(
    team: Lab, gcs: Cloud, waits: list[float], status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """After a bounded number of tries with growing pauses the error names the object; the rest arrived."""
    name = team.object_of("data/nist/Norris.dat").name
    gcs.fail("GET", name, status)
    error = refused(team)
    assert name in error.message.replace(":", "")
    assert "1 of 4 objects" in error.message
    assert sum(name in path for _, path in gcs.seen) == TRIES
    assert waits == sorted(waits)
    assert sum(waits) < 2**TRIES
    assert team.object_of("data/one.csv").is_file()
    assert capfd.readouterr() == ("", "")


def test_an_interrupted_pull_goes_on_where_it_was(team: Lab, gcs: Cloud) -> None:
    """What arrived before the remote went away is not asked for again, and no half file is left."""
    gcs.fail("GET", "/o/shared", 500, after=3)
    refused(team)
    before = cached(team)
    assert before
    gcs.faults.clear()
    gcs.seen.clear()
    fetch_missing(team.root, EVERYTHING, team.remote)
    assert len(gcs.seen) == len(team.files) + 1 - len(before)
    assert all(team.remote.cache.standing(one) is Standing.PRESENT for one in wanted(team))


def test_a_cancelled_pull_leaves_no_half_file(team: Lab, gcs: Cloud) -> None:
    """An interruption in the middle of transfers leaves whole objects only, at once, and can be resumed."""
    gcs.fail("GET", team.object_of("data/one.csv").name, -1)

    def interrupt(event: Event) -> None:
        if event.kind is Kind.DONE:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        team.remote.pull([part.pointer.object for part in all_parts(team.root)], interrupt)
    gcs.over.set()
    gcs.faults.clear()
    assert all("parts" not in name for name in cached(team))
    fetch_missing(team.root, EVERYTHING, team.remote)
    assert all(team.remote.cache.standing(one) is Standing.PRESENT for one in wanted(team))


def test_a_quota_that_ends_half_way(lab: Lab, gcs: Cloud) -> None:
    """A push that is refused half way names what is not there, keeps what is, and can be run again."""
    fetch_missing(lab.root, EVERYTHING, lab.remote)
    configure(lab, gcs, f"gs://{BUCKET}/shared")
    gcs.fail("POST", "upload", 403, body=QUOTA, after=2)
    with pytest.raises(DataError, match="quota") as caught:
        push(lab.remote.cache, wanted(lab), lab.remote.shelf())
    assert "quota" in caught.value.hint
    there = stored(gcs)
    assert len(there) == 2
    assert not any(name.endswith(".dir") for name in there)
    gcs.faults.clear()
    assert len(push(lab.remote.cache, wanted(lab), lab.remote.shelf()).moved) == len(wanted(lab)) - 2


@pytest.mark.parametrize("kind", ["same size", "other size"])
def test_a_corrupt_object_in_a_bucket_is_found_without_a_pull(team: Lab, gcs: Cloud, kind: str) -> None:
    """The bucket's own md5 tells a wrong object, whatever its size, and no object is downloaded for it."""
    fetch_missing(team.root, EVERYTHING, team.remote)
    good = team.files["data/one.csv"]
    place = team.object_of("data/one.csv").relative_to(team.cache).as_posix()
    gcs.put(f"shared/{place}", good[::-1] if kind == "same size" else b"<html>")
    gcs.seen.clear()
    found = team.remote.shelf().look(wanted(team))
    assert [one.location for one, standing in found.items() if standing is Standing.CORRUPT] == [place]
    assert list(found.values()).count(Standing.PRESENT) == len(found) - 1
    assert not any("alt=media" in path for _, path in gcs.seen)


def test_a_page_in_place_of_the_storage_is_told_as_such(team: Lab, gcs: Cloud) -> None:
    """Where a proxy's page answers each question, that is said, in the words of no parser."""
    gcs.fail("GET", "/", 200, body=b"<html>please log in</html>", kind="text/html")
    with pytest.raises(DataError, match="what answers there is no storage") as caught:
        team.remote.shelf().look(wanted(team, "data/one.csv"))
    assert "proxy" in caught.value.hint


def test_wrong_bytes_never_enter_the_cache(team: Lab, gcs: Cloud) -> None:
    """An answer with status 200 and a page in place of the object is corrupt, and is not kept."""
    name = team.object_of("data/one.csv").name
    gcs.fail("GET", name, 200, body=b"<html>please log in</html>", kind="text/html")
    error = refused(team)
    assert "corrupt" in error.message
    assert "repro data push" in error.hint  # dvc push leaves alone what is there under that name
    assert not team.object_of("data/one.csv").exists()


REFUSALS = [
    pytest.param(401, "Invalid Credentials", "application-default login", id="401"),
    pytest.param(401, "Anonymous caller does not have access", "application-default login", id="anonymous"),
    pytest.param(403, "lab@example.org does not have storage.objects.get", "permitted", id="403"),
]


@pytest.mark.parametrize(("status", "said", "hint"), REFUSALS)
def test_a_refused_login_is_told_after_one_request(
    team: Lab, gcs: Cloud, waits: list[float], status: int, said: str, hint: str
) -> None:
    """A refusal is asked for once and not again: the error says it once, and what to do."""
    gcs.fail("GET", "/", status, body=refusal(status, said))
    gcs.seen.clear()
    error = refused(team, "data/one.csv")
    assert error.message.count(said) == 1
    assert f"refused ({status})" in error.message
    assert hint in error.hint
    assert len(gcs.seen) == 1
    assert waits == []


def test_a_refusal_ends_a_large_transfer(
    team: Lab, gcs: Cloud, waits: list[float], capfd: pytest.CaptureFixture[str]
) -> None:
    """Of many objects no more are asked for than were under way at the first refusal, in silence."""
    from repro.core.digest import Digest
    from repro.data.pointers import Object as Wanted

    gcs.fail("GET", "/", 401, body=refusal(401, "Invalid Credentials"))
    many = [Wanted(digest=Digest("md5", f"{number:032x}")) for number in range(400)]
    gcs.seen.clear()
    with pytest.raises(DataError, match=r"refused \(40[13]\)"):
        team.remote.pull(many, jobs=3)
    assert 1 <= len(gcs.seen) <= 3
    gcs.seen.clear()
    shelf = team.remote.shelf()
    with pytest.raises(DataError, match=r"refused \(40[13]\)"):
        shelf.look(many)
    assert 1 <= len(gcs.seen) <= 2 * shelf.jobs  # gcsfs asks for an object and for a folder of its name
    assert waits == []
    assert capfd.readouterr() == ("", "")


def test_a_refused_push_is_told_after_one_round(lab: Lab, gcs: Cloud, waits: list[float]) -> None:
    """A bucket that may be read but not written to refuses each transfer under way, and that is told once."""
    fetch_missing(lab.root, EVERYTHING, lab.remote)
    configure(lab, gcs, f"gs://{BUCKET}/shared")
    gcs.fail("POST", "upload", 403, body=refusal(403, "no storage.objects.create"))
    with pytest.raises(DataError, match=r"refused \(40[13]\)") as caught:
        push(lab.remote.cache, wanted(lab), lab.remote.shelf(), jobs=1)
    assert "permitted" in caught.value.hint
    assert sum(method == "POST" for method, _ in gcs.seen) <= 1 + 1
    assert waits == []


def test_a_login_that_cannot_be_renewed_is_told_before_any_object(
    team: Lab, gcs: Cloud, waits: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account whose renewal is refused is asked for once, and no object is asked for."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account(tmp_path, f"{gcs.url}/token")))
    configure(team, gcs, f"gs://{BUCKET}/shared", allow_anonymous_login="false")
    gcs.fail("POST", "/token", 400, body=b'{"error": "invalid_grant", "error_description": "revoked"}')
    gcs.seen.clear()
    error = refused(team, "data/one.csv")
    assert "refused (401)" in error.message
    assert "revoked" in error.message
    assert "application-default login" in error.hint
    assert gcs.seen == [("POST", "/token")]
    assert waits == []


def test_a_login_that_runs_out_in_between_ends_the_transfer(
    team: Lab, gcs: Cloud, waits: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a renewal is refused between two objects, no object that waits is asked for."""
    from repro.core.digest import Digest
    from repro.data.pointers import Object as Wanted

    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account(tmp_path, f"{gcs.url}/token")))
    configure(team, gcs, f"gs://{BUCKET}/shared", allow_anonymous_login="false")
    expired = b'{"access_token": "a", "expires_in": 1, "token_type": "Bearer"}'
    gcs.fail("POST", "/token", 200, body=expired, times=1)
    gcs.fail("POST", "/token", 400, body=b'{"error": "invalid_grant"}')
    many = [Wanted(digest=Digest("md5", f"{number:032x}")) for number in range(400)]
    gcs.seen.clear()
    with pytest.raises(DataError, match=r"refused \(401\)") as caught:
        team.remote.pull(many, jobs=3)
    assert "application-default login" in caught.value.hint
    assert len(gcs.seen) <= 1 + 3 * TRIES
    assert len(waits) <= 3 * TRIES


@pytest.mark.parametrize("kind", ["absent", "cut"])
def test_credentials_that_cannot_be_used_are_told(
    team: Lab, gcs: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A file of credentials that is not there or is none is no reason to ask without a login."""
    file = tmp_path / "mine.json"
    if kind == "cut":
        file.write_text('{"type": ')
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # no machine's own account, which would take its place
    configure(team, gcs, f"gs://{BUCKET}/shared", allow_anonymous_login="false")
    gcs.seen.clear()
    error = refused(team)
    assert "GOOGLE_APPLICATION_CREDENTIALS names no credentials that can be used" in error.message
    assert str(file) in error.message
    assert gcs.seen == []


def refusal(status: int, said: str) -> bytes:
    """An answer as Google's JSON API gives it."""
    return json.dumps({"error": {"code": status, "message": said}}).encode()


def account(folder: Path, token_uri: str) -> Path:
    """A service account of nobody's, whose tokens come from `token_uri`."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    facts = {
        "type": "service_account",
        "project_id": "lab",
        "client_email": "lab@lab.example",
        "private_key": key.decode(),
        "token_uri": token_uri,
    }
    (folder / "account.json").write_text(json.dumps(facts))
    return folder / "account.json"


def test_a_bucket_that_is_missing_is_named(lab: Lab, gcs: Cloud, capfd: pytest.CaptureFixture[str]) -> None:
    """A bucket that does not exist is not taken for one that lacks every object."""
    configure(lab, gcs, "gs://nowhere/shared")
    assert "no such bucket" in refused(lab).message
    with pytest.raises(DataError, match="no such bucket"):
        lab.remote.reach()
    assert capfd.readouterr() == ("", "")


def test_credentials_come_from_the_surroundings_only(team: Lab, gcs: Cloud) -> None:
    """A path to credentials in DVC's configuration is refused, with the variable that takes its place."""
    configure(team, gcs, f"gs://{BUCKET}/shared", credentialpath="/secret.json")
    error = refused(team)
    assert "credentialpath" in error.message
    assert "GOOGLE_APPLICATION_CREDENTIALS" in error.hint
