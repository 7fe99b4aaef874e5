"""Attestations from beyond this machine: registries by API and by tag, layouts, and GitHub's API."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from repro.attest import github, referrers
from repro.attest.github import Api, Given, evidence_of
from repro.attest.keys import generate
from repro.attest.signing import KeySigner
from repro.attest.statement import statement
from repro.core.errors import ToolFailed, UsageError
from repro.core.exits import Exit
from repro.core.subject import Subject
from repro.flows import verify_sources
from repro.flows.verify import Wishes, verify
from repro.tools import fetch
from repro.tools.oci_registry import Registry, parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from repro.flows.verify_report import Report

KEY = generate()
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass(kw_only=True)
class Server:
    """Answers by path, and what was asked."""

    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    address: str = ""

    def put(self, path: str, content: object, status: int = 200, **headers: str) -> None:
        """An answer; what is no bytes is JSON."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.answers[path] = (status, {key.replace("_", "-"): value for key, value in headers.items()}, data)


@contextmanager
def serving() -> Iterator[Server]:
    """A server on loopback."""
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append((self.path, dict(self.headers)))
            status, headers, data = server.answers.get(self.path, (404, {}, b"{}"))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.address = f"127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=partial(http.serve_forever, 0.01), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that knows nothing yet."""
    with serving() as one:
        yield one


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with the public key."""
    (tmp_path / "key.pub").write_bytes(KEY.public.to_pem())
    return tmp_path


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def packed(value: object) -> bytes:
    return json.dumps(value).encode()


def named(data: bytes, kind: str) -> dict[str, Any]:
    return {"mediaType": kind, "digest": f"sha256:{sha(data)}", "size": len(data)}


IMAGE = packed({"schemaVersion": 2, "mediaType": MANIFEST, "layers": []})
SAID = statement([Subject(name="lab", digests={"sha256": sha(IMAGE)})], "https://example.org/p/v1", {})
SIGNED = KeySigner(key=KEY).statement(SAID)
REFERRER = packed(
    {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": BUNDLE,
        "config": named(b"{}", "application/vnd.oci.empty.v1+json"),
        "layers": [named(SIGNED, BUNDLE)],
        "subject": named(IMAGE, MANIFEST),
    }
)
REFERRERS: dict[str, Any] = {
    "schemaVersion": 2,
    "mediaType": INDEX,
    "manifests": [named(REFERRER, MANIFEST) | {"artifactType": BUNDLE}],
}


def hold(server: Server, *, api: bool = True) -> None:
    """An image, and a signed statement that refers to it."""
    base = "/v2/team/lab"
    server.put(f"{base}/manifests/v1", IMAGE)
    server.put(f"{base}/manifests/sha256:{sha(IMAGE)}", IMAGE)
    server.put(f"{base}/manifests/sha256:{sha(REFERRER)}", REFERRER)
    server.put(f"{base}/blobs/sha256:{sha(SIGNED)}", SIGNED)
    place = f"referrers/sha256:{sha(IMAGE)}" if api else f"manifests/sha256-{sha(IMAGE)}"
    server.put(f"{base}/{place}", REFERRERS)


def pulled(work: Path, server: Server, reference: str = "team/lab:v1", **more: Any) -> Report:  # noqa: ANN401 - fields of Wishes
    return verify(
        work, replace(Wishes(targets=(f"oci:{server.address}/{reference}",), keys=("key.pub",)), **more)
    )


@pytest.mark.parametrize("api", [True, False], ids=["api", "tag"])
@pytest.mark.parametrize("reference", ["team/lab:v1", f"team/lab@sha256:{sha(IMAGE)}"])
def test_referrers_of_an_image(work: Path, server: Server, reference: str, *, api: bool) -> None:
    """An image is verified by what refers to it, by the API of referrers or by the tag that stands for it."""
    hold(server, api=api)
    report = pulled(work, server, reference)
    assert report.exit is Exit.GOOD, report.verdicts[0].reason
    assert report.verdicts[0].artifact is not None
    assert report.verdicts[0].artifact.sha256 == sha(IMAGE)


@pytest.mark.parametrize("kind", ["", "application/vnd.oci.empty.v1+json"])
def test_a_registry_that_cannot_tell_what_refers(work: Path, server: Server, kind: str) -> None:
    """Where the list of referrers has the type of their empty config, they are looked at themselves."""
    hold(server)
    untold = named(REFERRER, MANIFEST) | {"artifactType": kind}
    server.put(f"/v2/team/lab/referrers/sha256:{sha(IMAGE)}", REFERRERS | {"manifests": [untold]})
    assert pulled(work, server).exit is Exit.GOOD


def test_two_images_of_one_name_are_two(work: Path, server: Server) -> None:
    """Images of one repository by two digests are two artifacts: neither hides the other, in any order."""
    hold(server)
    other = packed({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [], "annotations": {}})
    server.put(f"/v2/team/lab/manifests/sha256:{sha(other)}", other)
    names = [f"oci:{server.address}/team/lab@sha256:{sha(one)}" for one in (IMAGE, other)]
    for targets in (names, names[::-1]):
        report = verify(work, Wishes(targets=tuple(targets), keys=("key.pub",)))
        assert report.exit is Exit.NOT_CHECKED
        assert sorted(one.exit for one in report.verdicts) == [Exit.GOOD, Exit.NOT_CHECKED]


def test_an_image_without_referrers_was_not_checked(work: Path, server: Server) -> None:
    """No referrer is exit 3; so is a registry that does not answer, and one that may not be asked."""
    server.put("/v2/team/lab/manifests/v1", IMAGE)
    assert pulled(work, server).exit is Exit.NOT_CHECKED
    assert pulled(work, server, offline=True).exit is Exit.NOT_CHECKED
    server.put(f"/v2/team/lab/referrers/sha256:{sha(IMAGE)}", {}, status=500)
    report = pulled(work, server)
    assert report.exit is Exit.NOT_CHECKED
    assert any("answered 500" in one.reason for one in report.verdicts[0].checks)
    assert pulled(work, server, "team/other:v1").exit is Exit.NOT_CHECKED


def test_what_a_registry_gives_must_have_its_digest(work: Path, server: Server) -> None:
    """A manifest, a referrer or a blob with other bytes than its digest says is refused or not believed."""
    hold(server)
    server.put(f"/v2/team/lab/manifests/sha256:{sha(IMAGE)}", IMAGE + b" ")
    assert pulled(work, server, f"team/lab@sha256:{sha(IMAGE)}").exit is Exit.WRONG
    for path in (f"manifests/sha256:{sha(REFERRER)}", f"blobs/sha256:{sha(SIGNED)}"):
        hold(server)
        server.put(f"/v2/team/lab/{path}", b"[]")
        assert pulled(work, server).exit is Exit.NOT_CHECKED


def test_a_broken_referrer_hides_no_other(work: Path, server: Server) -> None:
    """Beside a referrer that cannot be read a good one counts, in any order; --strict wants all of them."""
    hold(server)
    broken = named(b"not there", MANIFEST) | {"artifactType": BUNDLE}
    for manifests in ([broken, *REFERRERS["manifests"]], [*REFERRERS["manifests"], broken]):
        server.put(f"/v2/team/lab/referrers/sha256:{sha(IMAGE)}", REFERRERS | {"manifests": manifests})
        assert pulled(work, server).exit is Exit.GOOD
        assert pulled(work, server, strict=True).exit is Exit.WRONG


def test_no_more_referrers_are_read_than_bundles_of_a_file(
    work: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What refers to one image is capped in number and in bytes, whatever sizes the registry tells."""
    hold(server)
    monkeypatch.setattr(referrers, "MAX_FILE", len(SIGNED))
    assert pulled(work, server).exit is Exit.GOOD
    monkeypatch.setattr(referrers, "MAX_FILE", len(SIGNED) - 1)
    assert pulled(work, server).exit is Exit.NOT_CHECKED
    monkeypatch.setattr(referrers, "MAX_FILE", 1 << 20)
    monkeypatch.setattr(referrers, "MAX_BUNDLES", 0)
    report = pulled(work, server)
    assert report.exit is Exit.NOT_CHECKED
    assert "that are read" in report.verdicts[0].checks[-1].reason


def test_a_moved_tag_is_another_image(work: Path, server: Server) -> None:
    """A tag that names other bytes now is verified as those bytes, which nobody signed."""
    hold(server)
    other = IMAGE.replace(b"[]", b"[ ]")
    server.put("/v2/team/lab/manifests/v1", other)
    server.put(f"/v2/team/lab/referrers/sha256:{sha(other)}", REFERRERS)
    assert pulled(work, server).exit is not Exit.GOOD


def test_anonymous_tokens(work: Path, server: Server) -> None:
    """A registry that gives its token to anybody is asked for it, and gets it back."""
    hold(server)
    realm = f'Bearer realm="http://{server.address}/token",service="s",scope="repository:team/lab:pull"'
    server.put("/token?service=s&scope=repository%3Ateam%2Flab%3Apull", {"token": "anybody"})
    answers = dict(server.answers)

    class Guarded(dict[str, Any]):
        def get(self, path: str, default: Any = None) -> Any:  # noqa: ANN401 - an answer
            is_open = (
                path.startswith("/token") or server.asked[-1][1].get("Authorization") == "Bearer anybody"
            )
            return answers.get(path, default) if is_open else (401, {"WWW-Authenticate": realm}, b"{}")

    server.answers = Guarded()
    assert pulled(work, server).exit is Exit.GOOD


def test_a_registry_elsewhere_asks_for_no_token_of_this_machine(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token that a registry wants is asked of no service of this machine, which may give real ones."""
    server.put("/token", {"access_token": "real"})
    asked = []

    def answer(url: str, headers: dict[str, str], _: int) -> fetch.Answer:
        asked.append((url, dict(headers)))
        challenge = {"www-authenticate": f'Bearer realm="http://{server.address}/token"'}
        return fetch.Answer(url=url, status=401, headers=challenge, content=b"")

    monkeypatch.setattr(fetch, "_get", answer)
    with pytest.raises(ToolFailed, match="on this machine"):
        Registry(parse_reference("registry.example/team/lab:v1")).resolve()
    assert len(asked) == 1
    assert not server.asked


@pytest.mark.parametrize(
    "text", ["lab", "lab:v1", "HOST/lab", "host.example/lab", "host.example/Lab:v1", "a.b/../c:d"]
)
def test_references_say_their_registry(text: str) -> None:
    """No registry, tag or digest is assumed where a reference says none."""
    with pytest.raises(UsageError):
        parse_reference(text)


def layout(place: Path) -> None:
    """An image and its referrer in a layout."""
    (place / "blobs/sha256").mkdir(parents=True)
    (place / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    for data in (IMAGE, REFERRER, SIGNED, b"{}"):
        (place / "blobs/sha256" / sha(data)).write_bytes(data)
    index = {"schemaVersion": 2, "manifests": [named(IMAGE, MANIFEST), named(REFERRER, MANIFEST)]}
    (place / "index.json").write_bytes(packed(index))


def test_a_layout_with_its_referrer(work: Path) -> None:
    """An image in a layout is verified by the manifest in it that refers to it; damage is refused."""
    layout(work / "image")
    wishes = Wishes(targets=("oci:image",), keys=("key.pub",))
    assert verify(work, wishes).exit is Exit.GOOD
    (work / "image/blobs/sha256" / sha(IMAGE)).write_bytes(IMAGE + b" ")
    assert verify(work, wishes).exit is Exit.WRONG


CONFIG = b'{"architecture": "amd64"}'


def layout_with(place: Path, **more: object) -> dict[str, Any]:
    """The layout with one more image; its descriptor."""
    layout(place)
    other = packed(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": named(CONFIG, "application/vnd.oci.image.config.v1+json"),
            "layers": [],
            **more,
        }
    )
    for data in (other, CONFIG):
        (place / "blobs/sha256" / sha(data)).write_bytes(data)
    return named(other, MANIFEST) | {"annotations": {"org.opencontainers.image.ref.name": "latest"}}


def test_an_image_that_refers_to_another_is_an_image_too(work: Path) -> None:
    """A second image does not hide in a layout by calling itself an attestation of the first."""
    descriptor = layout_with(work / "image", subject=named(IMAGE, MANIFEST))
    place = work / "image/index.json"
    index = json.loads(place.read_bytes())
    wishes = Wishes(targets=("oci:image",), keys=("key.pub",))
    assert verify(work, wishes).exit is Exit.GOOD
    place.write_bytes(packed(index | {"manifests": [*index["manifests"], descriptor]}))
    report = verify(work, wishes)
    assert report.exit is Exit.NOT_CHECKED
    assert "2 images" in report.verdicts[0].reason


@pytest.mark.parametrize("key", ["Manifests", "MANIFESTS", "manife\u017fts"])
def test_an_index_that_others_read_differently(work: Path, key: str) -> None:
    """A list of images under a key that readers in Go take for the list is refused."""
    descriptor = layout_with(work / "image")
    place = work / "image/index.json"
    place.write_bytes(packed(json.loads(place.read_bytes()) | {key: [descriptor]}))
    report = verify(work, Wishes(targets=("oci:image",), keys=("key.pub",)))
    assert report.exit is Exit.WRONG
    assert "another spelling" in report.verdicts[0].reason


ARTIFACT = b"artifact"
GITHUB_SAID = KeySigner(key=KEY).blob(ARTIFACT)
PLACE = f"/repos/example/lab/attestations/sha256:{sha(ARTIFACT)}?per_page=100"


def api_of(server: Server, token: str = "") -> Api:
    return Api(base=f"http://{server.address}", repository="example/lab", token=token)


def page(*bundles: bytes) -> dict[str, Any]:
    return {"attestations": [{"bundle": json.loads(one), "repository_id": 1} for one in bundles]}


def test_github_is_asked_page_by_page(server: Server) -> None:
    """Pages are followed by their links; the token goes along and into no name or message."""
    link = f'<http://{server.address}/next?after=x>; rel="next"'
    server.put(PLACE, page(GITHUB_SAID), Link=link)
    server.put("/next?after=x", page(GITHUB_SAID))
    token = "ghp_" + "x" * 36
    found = evidence_of(api_of(server, token), sha(ARTIFACT))
    assert [one.name for one in found.evidence] == ["GitHub example/lab#1", "GitHub example/lab#2"]
    assert not found.failed
    assert all(headers["Authorization"] == f"Bearer {token}" for _, headers in server.asked)
    assert token not in repr((found, api_of(server, token)))


def test_github_knows_nothing(server: Server) -> None:
    """A digest that GitHub does not know has no attestations; that is no error."""
    assert evidence_of(api_of(server), sha(ARTIFACT)) == Given()


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (403, {"X-RateLimit-Remaining": "0"}, "rate limit"),
        (429, {"Retry-After": "60"}, "for 60 s"),
        (401, {}, "answered 401"),
        (500, {}, "answered 500"),
        (302, {"Location": "https://evil.example/"}, "answered 302"),
    ],
)
def test_github_that_does_not_answer(server: Server, status: int, headers: dict[str, str], said: str) -> None:
    """Limits, refusals, failures and redirects are errors that say what to do, never an empty list."""
    server.answers[PLACE] = (status, headers, b"{}")
    (failed,) = evidence_of(api_of(server, "secret-token"), sha(ARTIFACT)).failed
    assert isinstance(failed, ToolFailed)
    assert said in failed.message
    assert "secret-token" not in failed.message


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"{",
        b'{"attestations": {}}',
        b'{"attestations": [{"bundle": null}]}',
        b'{"attestations": [{"bundle": null, "bundle_url": 1}]}',
        b'{"attestations": [[]]}',
    ],
)
def test_github_that_answers_nonsense(server: Server, content: bytes) -> None:
    """An answer that is no list of bundles is an error."""
    server.put(PLACE, content)
    given = evidence_of(api_of(server), sha(ARTIFACT))
    assert len(given.failed) == 1
    assert not given.evidence


def test_github_pages_stay_on_their_host(server: Server) -> None:
    """A next page on another host is not followed: the token would go there."""
    server.put(PLACE, page(), Link='<https://evil.example/next>; rel="next"')
    (failed,) = evidence_of(api_of(server, "t"), sha(ARTIFACT)).failed
    assert "another host" in failed.message
    assert len(server.asked) == 1


def test_a_policy_names_github(work: Path, server: Server) -> None:
    """Attestations are asked for where a policy says; offline nobody is asked, nothing was checked."""
    (work / "a.bin").write_bytes(ARTIFACT)
    (work / "policy.toml").write_text(
        f"""
version = 1
name = "test"
[github]
repository = "example/lab"
api = "http://{server.address}"
[signers.me]
key = "key.pub"
[[artifacts]]
name = "all"
match = ["*.bin"]
[artifacts.demands.any]
kind = "signed"
signers = ["me"]
"""
    )
    server.put(PLACE, page(GITHUB_SAID))
    wishes = Wishes(targets=("a.bin",), policy="policy.toml")
    assert verify(work, wishes).exit is Exit.GOOD
    assert verify(work, replace(wishes, offline=True)).exit is Exit.NOT_CHECKED
    server.put(PLACE, {}, status=500)
    report = verify(work, wishes)
    assert report.exit is Exit.NOT_CHECKED
    assert "answered 500" in report.verdicts[0].checks[-1].reason


BLOB = "/blob/1.json.sn?sig=c2VjcmV0LXNpZ25hdHVyZQ%3D%3D"


def squeezed(data: bytes) -> bytes:
    block = pa.compress(data, codec="snappy", asbytes=True)
    assert isinstance(block, bytes)
    return block


def apart(server: Server, *places: str) -> dict[str, Any]:
    """A page whose bundles lie elsewhere; a place that begins with a slash is on the same server."""
    urls = [f"http://{server.address}{one}" if one.startswith("/") else one for one in places]
    return {"attestations": [{"bundle": None, "bundle_url": one, "repository_id": 1} for one in urls]}


@pytest.mark.parametrize("compressed", [True, False])
def test_a_bundle_that_lies_elsewhere_is_fetched(server: Server, *, compressed: bool) -> None:
    """What is given by address is fetched without the token, and decompressed where it is compressed."""
    server.put(PLACE, apart(server, BLOB))
    server.put(
        BLOB, squeezed(GITHUB_SAID) if compressed else GITHUB_SAID, Content_Type="application/x-snappy"
    )
    given = evidence_of(api_of(server, "secret-token"), sha(ARTIFACT))
    assert [one.raw for one in given.evidence] == [GITHUB_SAID]
    assert not given.failed
    (path, headers) = server.asked[-1]
    assert path == BLOB
    assert "secret-token" not in str(headers)
    assert headers["Accept-Encoding"] == "identity"


def test_a_bundle_in_the_answer_is_not_fetched_too(server: Server) -> None:
    """Where the answer holds the bundle, its address is asked nothing."""
    both = page(GITHUB_SAID)
    both["attestations"][0]["bundle_url"] = f"http://{server.address}{BLOB}"
    server.put(PLACE, both)
    assert len(evidence_of(api_of(server), sha(ARTIFACT)).evidence) == 1
    assert [path for path, _ in server.asked] == [PLACE]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, "has expired"),
        (404, "has expired"),
        (410, "has expired"),
        (500, "try again"),
        (302, "try again"),
    ],
)
def test_a_bundle_that_is_not_there(server: Server, status: int, said: str) -> None:
    """An address that has expired or fails is told of with what to do next, and without its signature."""
    server.put(PLACE, apart(server, BLOB))
    server.put(BLOB, b"<Error/>", status=status)
    (failed,) = evidence_of(api_of(server), sha(ARTIFACT)).failed
    assert isinstance(failed, ToolFailed)
    assert f"answered {status}" in failed.message
    assert said in failed.hint
    assert "gh attestation download" in failed.hint
    assert "c2VjcmV0" not in failed.message


@pytest.mark.parametrize(
    "url",
    [
        "http://storage.example/1",
        "https://user:word@storage.example/1",
        "file:///etc/passwd",
        "ftp://storage.example/1",
        "https://[::1",
        "https://",
        "//storage.example/1",
        "\x00",
        "https://storage.invalid/1?sig=c2VjcmV0",
    ],
)
def test_addresses_of_bundles_that_are_none(server: Server, url: str) -> None:
    """What is no https address, or leads nowhere, is no bundle: a failure, and no wrong usage."""
    server.put(PLACE, apart(server, url))
    (failed,) = evidence_of(api_of(server), sha(ARTIFACT)).failed
    assert isinstance(failed, ToolFailed)
    assert failed.hint
    assert not {"word", "c2VjcmV0"} & set(re.findall(r"\w+", failed.message))


def test_an_api_elsewhere_names_nothing_on_this_machine(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An API on another host can let nobody ask services of this machine, neither at once nor by redirect."""
    listed = json.dumps(apart(server, BLOB, "https://storage.example/1")).encode()
    here = {"location": f"http://{server.address}{BLOB}"}
    answers = {"api.example": (200, {}, listed), "storage.example": (302, here, b"")}

    def answer(url: str, *_: object) -> fetch.Answer:
        status, headers, content = answers[url.split("/")[2]]
        return fetch.Answer(url=url, status=status, headers=headers, content=content)

    monkeypatch.setattr(fetch, "_get", answer)
    given = evidence_of(Api(base="https://api.example", repository="example/lab"), sha(ARTIFACT))
    assert not given.evidence
    assert ["on this machine" in one.message for one in given.failed] == [True, True]
    assert not server.asked


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x05",
        b"<html>",
        squeezed(GITHUB_SAID)[:-1],
        b"\xff\xff\xff\xff\x0f",
        squeezed(b" " * (33 << 20)),
    ],
    ids=["empty", "nothing behind the size", "a page", "cut", "four gigabytes", "a bomb"],
)
def test_a_damaged_bundle_is_refused_and_hides_no_other(work: Path, server: Server, content: bytes) -> None:
    """A block that cannot be decompressed, or is too large then, is broken evidence: exit 1, and told of."""
    wishes = asking(work, server)
    server.put(BLOB, content)
    server.put(PLACE, apart(server, BLOB))
    report = verify(work, wishes)
    assert report.exit is Exit.WRONG
    assert [one.outcome.evidence for one in report.verdicts[0].seen] == ["GitHub example/lab#1"]
    server.put(PLACE, apart(server, BLOB, "/good"))
    server.put("/good", squeezed(GITHUB_SAID))
    assert verify(work, wishes).exit is Exit.GOOD
    assert verify(work, replace(wishes, strict=True)).exit is Exit.WRONG


def test_a_bundle_that_changed_where_it_lay(work: Path, server: Server) -> None:
    """A bundle by address is believed no more than any other: with another signature it is refused."""
    wishes = asking(work, server)
    server.put(PLACE, apart(server, BLOB))
    server.put(BLOB, squeezed(KeySigner(key=generate()).blob(ARTIFACT)))
    assert verify(work, wishes).exit is Exit.WRONG


def test_redirects_of_bundles_are_bounded(server: Server) -> None:
    """A bundle that moved is followed, without the token, and not for ever."""
    server.put(PLACE, apart(server, BLOB))
    server.put(BLOB, b"", status=307, Location="/moved")
    server.put("/moved", squeezed(GITHUB_SAID))
    assert len(evidence_of(api_of(server, "secret-token"), sha(ARTIFACT)).evidence) == 1
    assert "secret-token" not in str(server.asked[1:])
    server.put("/moved", b"", status=307, Location=BLOB)
    server.asked.clear()
    (failed,) = evidence_of(api_of(server), sha(ARTIFACT)).failed
    assert "redirects" in failed.message
    assert len(server.asked) == 2 + fetch.MAX_REDIRECTS


def test_no_more_is_fetched_than_is_read(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bundles by address are capped in number, and in bytes of each and of all; the rest is told of."""
    server.put(PLACE, apart(server, *[BLOB] * 5))
    server.put(BLOB, squeezed(GITHUB_SAID))
    left = github._Left
    monkeypatch.setattr(github, "_Left", partial(left, 3, 1 << 20))
    given = evidence_of(api_of(server), sha(ARTIFACT))
    assert (len(given.evidence), len(given.failed)) == (3, 2)
    assert "that are fetched" in given.failed[0].message
    monkeypatch.setattr(github, "_Left", partial(left, 100, 2 * len(GITHUB_SAID)))
    given = evidence_of(api_of(server), sha(ARTIFACT))
    assert (len(given.evidence), len(given.failed)) == (2, 3)
    monkeypatch.setattr(github, "_Left", partial(left, 100, 1 << 20))
    monkeypatch.setattr(github, "MAX_BYTES", 10)
    given = evidence_of(api_of(server), sha(ARTIFACT))
    assert not given.evidence
    assert all("sent more than 10 bytes" in one.message for one in given.failed)


def test_an_answer_that_does_not_end_in_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sends little by little is given up, however often something comes."""
    server.put("/", b"x" * 10)
    assert fetch.get(f"http://{server.address}/", max_bytes=10).content == b"x" * 10
    monkeypatch.setattr(fetch, "MAX_SECONDS", -1.0)
    with pytest.raises(ToolFailed, match="no end within"):
        fetch.get(f"http://{server.address}/", max_bytes=10)


def asking(work: Path, server: Server) -> Wishes:
    """A file, and a policy that asks GitHub for what the key has signed."""
    (work / "a.bin").write_bytes(ARTIFACT)
    (work / "policy.toml").write_text(
        f"""
version = 1
name = "test"
github = {{ repository = "example/lab", api = "http://{server.address}" }}
signers.me = {{ key = "key.pub" }}
[[artifacts]]
name = "all"
match = ["*.bin"]
demands.any = {{ kind = "signed", signers = ["me"] }}
"""
    )
    return Wishes(targets=("a.bin",), policy="policy.toml")


def test_the_users_token_goes_to_no_host_of_a_policy(
    work: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy can name any API: the token goes to GitHub's, or to the one that the environment names."""
    wishes = asking(work, server)
    server.put(PLACE, page(GITHUB_SAID))
    monkeypatch.delenv("GH_TOKEN", raising=False)
    monkeypatch.setenv("GITHUB_TOKEN", "secret-token")
    for named, is_sent in (("https://api.github.com", False), (f"http://{server.address}/", True)):
        monkeypatch.setenv("GITHUB_API_URL", named)
        server.asked.clear()
        assert verify(work, wishes).exit is Exit.GOOD
        assert ["secret-token" in str(headers) for _, headers in server.asked] == [is_sent]
    assert verify_sources.github("a/b", None).api.token == "secret-token"


def test_an_address_that_has_expired_hides_nothing(work: Path, server: Server) -> None:
    """One bundle that does not come is told of, with how to fetch it, and hides none that do, on any page."""
    wishes = asking(work, server)
    server.put(PLACE, apart(server, BLOB))
    report = verify(work, wishes)
    assert report.exit is Exit.NOT_CHECKED
    assert "gh attestation download" in report.verdicts[0].checks[-1].reason
    link = f'<http://{server.address}/next>; rel="next"'
    server.put(PLACE, apart(server, BLOB), Link=link)
    server.put("/next", page(GITHUB_SAID))
    assert verify(work, wishes).exit is Exit.GOOD
    assert verify(work, replace(wishes, strict=True)).exit is Exit.WRONG
    assert verify(work, replace(wishes, offline=True)).exit is Exit.NOT_CHECKED


@pytest.mark.parametrize(
    "url", ["http://example.org/", "file:///etc/passwd", "https://u:p@example.org/", "ftp://x/"]
)
def test_only_addresses_that_nobody_can_read_along(url: str) -> None:
    """Plain http beyond this machine, other schemes and credentials in addresses are refused."""
    with pytest.raises(UsageError):
        fetch.get(url, max_bytes=1)
