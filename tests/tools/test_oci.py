from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
import zstandard
from tests.sbom.images.makers import INDEX, Layout, document, layer, layout, saved, sha256

from repro.core.digest import Digest
from repro.core.errors import DataError, FormatError, TamperError, UsageError
from repro.tools.archive import Caps, Stream, whole
from repro.tools.oci import open_image, read_layers
from repro.tools.oci_documents import MAX_LAYERS, parse_config, parse_index, parse_manifest
from repro.tools.oci_places import MAX_DOCUMENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.sbom.images.makers import Content

BASE = layer({"etc/name": b"base"})
TOP = layer({"etc/name": b"top"})


def content(stream: Stream) -> bytes:
    return whole(stream, 1 << 30, name="layer")


def layers_of(path: Path, **options: str) -> list[bytes]:
    return read_layers(open_image(path, **options), content)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress], ids=["plain", "gzip", "zstd"])
@pytest.mark.parametrize("form", ["folder", "archive", "archive.gz"])
def test_a_layout_is_read(tmp_path: Path, form: str, pack: Callable[[bytes], bytes]) -> None:
    """Layers come decompressed and base first, from a folder, an archive and a compressed archive."""
    made = layout(BASE, TOP, stored=[pack(BASE), pack(TOP)])
    place = (
        made.write(tmp_path / "l") if form == "folder" else made.pack(tmp_path / "l.tar", packed="gz" in form)
    )
    image = open_image(place)
    assert read_layers(image, content) == [BASE, TOP]
    assert str(image.config.platform) == "linux/amd64"
    index = json.loads(made.files["index.json"])
    assert str(image.manifest) == index["manifests"][0]["digest"]
    assert [each.digest for each in image.layers] == [
        Digest.parse(sha256(pack(each))) for each in (BASE, TOP)
    ]


@pytest.mark.parametrize("packed", [False, True])
def test_what_docker_saves_is_read(tmp_path: Path, *, packed: bool) -> None:
    """An archive of `docker save` has layers and a tag, and is named by its configuration's digest."""
    image = open_image(saved(BASE, TOP).pack(tmp_path / "d.tar", packed=packed))
    assert (image.manifest, image.name) == (None, "demo:1")
    assert read_layers(image, content) == [BASE, TOP]


def test_links_in_an_archive_are_followed(tmp_path: Path) -> None:
    """A layer of `docker save` may be a link to another one's file, as Docker wrote it until version 24."""
    made = saved(BASE, BASE, links=True)
    entries: dict[str, Content] = {**made.files, "1/layer.tar": "../0/layer.tar"}
    (tmp_path / "d.tar").write_bytes(layer(entries))
    assert layers_of(tmp_path / "d.tar") == [BASE, BASE]


def test_a_link_out_of_an_archive_leads_nowhere(tmp_path: Path) -> None:
    """A link to outside, or a loop of links, is a missing layer; nothing of this machine is read."""
    made = saved(BASE, BASE, links=True)
    for target in ("../../../../etc/passwd", "/etc/passwd", "layer.tar"):
        (tmp_path / "d.tar").write_bytes(layer({**made.files, "1/layer.tar": target}))
        with pytest.raises(DataError, match="missing"):
            layers_of(tmp_path / "d.tar")


def test_a_configuration_outside_is_refused(tmp_path: Path) -> None:
    """A manifest of `docker save` names no file outside the image."""
    made = saved(BASE)
    made.files["manifest.json"] = document([{"Config": "../../etc/passwd", "Layers": []}])
    with pytest.raises(FormatError, match="leads out"):
        open_image(made.write(tmp_path))


def test_a_layer_listed_twice(tmp_path: Path) -> None:
    """A layer that a manifest lists twice is there twice, and is read once."""
    calls = []

    def count(stream: Stream) -> bytes:
        calls.append(1)
        return content(stream)

    image = open_image(layout(BASE, TOP, BASE).write(tmp_path))
    assert read_layers(image, count) == [BASE, TOP, BASE]
    assert len(calls) == 2


def blob(made: Layout, data: bytes) -> str:
    return f"blobs/{sha256(data).replace(':', '/')}"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress], ids=["plain", "gzip", "zstd"])
@pytest.mark.parametrize("place", [0, 40, -1])
def test_a_flipped_byte_in_a_layer(tmp_path: Path, pack: Callable[[bytes], bytes], place: int) -> None:
    """One flipped byte in a layer's blob is tampering, whatever the archive's own readers make of it."""
    made = layout(BASE, stored=[pack(BASE)])
    data = bytearray(pack(BASE))
    data[place] ^= 1
    made.files[blob(made, pack(BASE))] = bytes(data)
    with pytest.raises(TamperError, match="its digest is"):
        layers_of(made.write(tmp_path))


@pytest.mark.parametrize(
    "change", [lambda data: data + b"\0", lambda data: data[:-1]], ids=["longer", "shorter"]
)
def test_a_layer_of_another_size(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    """A blob with more or fewer bytes than its manifest states is tampering."""
    made = layout(BASE)
    made.files[blob(made, BASE)] = change(BASE)
    with pytest.raises(TamperError, match="manifest states"):
        layers_of(made.write(tmp_path))


def test_a_layer_that_holds_something_else(tmp_path: Path) -> None:
    """A blob that is as its manifest says, but not what the configuration's `diff_ids` says, is tampering."""
    with pytest.raises(TamperError, match="its digest is"):
        layers_of(layout(BASE, stored=[gzip.compress(TOP)]).write(tmp_path))


def test_a_layer_with_a_secret_behind_its_end(tmp_path: Path) -> None:
    """What follows the end of a layer's tar is hashed too."""
    with pytest.raises(TamperError):
        layers_of(layout(BASE, stored=[gzip.compress(BASE + b"more")]).write(tmp_path))


def test_one_file_with_two_digests(tmp_path: Path) -> None:
    """A manifest of `docker save` cannot list one file as two layers of different content."""
    made = saved(BASE, TOP)
    entry = json.loads(made.files["manifest.json"])[0]
    entry["Layers"] = entry["Layers"][:1] * 2
    made.files["manifest.json"] = document([entry])
    with pytest.raises(TamperError, match="two digests"):
        layers_of(made.write(tmp_path))


@pytest.mark.parametrize("what", ["manifest", "config"])
def test_a_tampered_document(tmp_path: Path, what: str) -> None:
    """Manifest and configuration are what their digests say, or nothing of them is used."""
    made = layout(BASE)
    manifest = json.loads(made.files["index.json"])["manifests"][0]["digest"]
    config = json.loads(made.files[f"blobs/{manifest.replace(':', '/')}"])["config"]["digest"]
    path = f"blobs/{(manifest if what == 'manifest' else config).replace(':', '/')}"
    made.files[path] = made.files[path].replace(b"sha256", b"sha265", 1)
    with pytest.raises(TamperError, match="its digest is"):
        open_image(made.write(tmp_path))


def test_a_renamed_configuration_of_docker(tmp_path: Path) -> None:
    """A configuration in an archive of `docker save` has the digest that is its name."""
    made = saved(BASE)
    name = next(name for name in made.files if name.endswith(".json") and name != "manifest.json")
    made.files[name] = made.files[name].replace(b"amd64", b"arm64")
    with pytest.raises(TamperError, match="its digest is"):
        open_image(made.write(tmp_path))


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_a_missing_layer(tmp_path: Path, form: str) -> None:
    """A layer that is named and not there could not be checked: data is missing."""
    made = layout(BASE, TOP)
    del made.files[blob(made, TOP)]
    with pytest.raises(DataError, match="is missing"):
        open_image(made.write(tmp_path / "l") if form == "folder" else made.pack(tmp_path / "l.tar"))


def platforms() -> Layout:
    made = Layout({"oci-layout": b"{}"})
    made.index(made.manifest([BASE]), made.manifest([TOP], architecture="arm64"))
    return made


def test_a_platform_is_chosen(tmp_path: Path) -> None:
    """One of several images is chosen by its platform; without a choice or with a wrong one all are named."""
    place = platforms().write(tmp_path)
    assert layers_of(place, platform="linux/arm64") == [TOP]
    for wrong in ("", "linux/riscv64", "linux"):
        with pytest.raises(UsageError) as caught:
            open_image(place, platform=wrong)
        assert "linux/amd64" in caught.value.message + caught.value.hint
        assert "linux/arm64" in caught.value.message + caught.value.hint


def test_an_image_of_another_platform(tmp_path: Path) -> None:
    """Even a single image is refused when it is not for the platform that was asked for."""
    for place in (layout(BASE).write(tmp_path / "l"), saved(BASE).pack(tmp_path / "d.tar")):
        assert layers_of(place, platform="linux/amd64") == [BASE]
        with pytest.raises(UsageError, match="arm64"):
            open_image(place, platform="linux/arm64")


def test_an_index_in_an_index(tmp_path: Path) -> None:
    """What `docker buildx` writes is read: an index in an index, with attestations beside the image."""
    made = Layout({"oci-layout": b"{}"})
    notes = {"vnd.docker.reference.type": "attestation-manifest"}
    inner = {
        "schemaVersion": 2,
        "manifests": [made.manifest([BASE]), {**made.manifest([TOP]), "annotations": notes}],
    }
    made.index(made.put(document(inner), INDEX, annotations={"org.opencontainers.image.ref.name": "v1"}))
    image = open_image(made.write(tmp_path))
    assert (image.name, read_layers(image, content)) == ("v1", [BASE])


def test_indexes_without_end(tmp_path: Path) -> None:
    """Indexes lie in indexes three deep at most."""
    made = Layout({"oci-layout": b"{}"})
    below = made.manifest([BASE])
    for _ in range(4):
        below = made.put(document({"schemaVersion": 2, "manifests": [below]}), INDEX)
    made.index(below)
    with pytest.raises(FormatError, match="indexes within indexes"):
        open_image(made.write(tmp_path))


BLOB = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": sha256(b""), "size": 0}
CONFIG = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha256(b""), "size": 0}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"schemaVersion": 2, "manifests": [], "manifests": []}', "given twice"),
        (b'{"schemaVersion": 1, "manifests": []}', "schemaVersion"),
        (b'{"schemaVersion": 2}', "a list was expected"),
        (b"[]", "an object was expected"),
        (document({"schemaVersion": 2, "manifests": [CONFIG] * 1001}), "more than 1000"),
        (document({"schemaVersion": 2, "manifests": [{**CONFIG, "size": -1}]}), "no size"),
        (document({"schemaVersion": 2, "manifests": [{**CONFIG, "size": True}]}), "no size"),
        (document({"schemaVersion": 2, "manifests": [{**CONFIG, "digest": "sha256:../../x"}]}), "digest"),
        (document({"schemaVersion": 2, "manifests": [{**CONFIG, "digest": "md5:" + "a" * 32}]}), "digest"),
        (document({"schemaVersion": 2, "manifests": [{**CONFIG, "platform": []}, 7]}), "an object"),
    ],
)
def test_indexes_that_are_none(data: bytes, words: str) -> None:
    """Keys given twice, other versions, and sizes and digests that are none are refused."""
    with pytest.raises(FormatError, match=words):
        parse_index(data, name="index.json")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"layers": [BLOB] * (MAX_LAYERS + 1)}, "layers, more than"),
        ({"layers": [{**BLOB, "mediaType": "text/plain"}]}, "unknown kind"),
        (
            {"config": {**CONFIG, "mediaType": "application/vnd.cncf.helm.config.v1+json"}},
            "no container image",
        ),
        ({"config": None}, "an object"),
        ({"layers": {}}, "a list"),
    ],
)
def test_manifests_that_are_of_no_image(change: dict[str, object], words: str) -> None:
    """Charts and other artifacts, unknown kinds of layers, and a thousand and one layers are refused."""
    with pytest.raises(FormatError, match=words):
        parse_manifest(document({"schemaVersion": 2, "config": CONFIG, "layers": [], **change}), name="m")


@pytest.mark.parametrize(
    "found",
    [
        {"os": "linux"},
        {"rootfs": {"diff_ids": ["sha256:1"]}},
        {"rootfs": {"diff_ids": []}, "os": 7},
        {"rootfs": {"diff_ids": []}, "config": {"Labels": ["a"]}},
    ],
)
def test_configurations_that_are_none(found: dict[str, object]) -> None:
    """A configuration without digests of layers, or with values of another kind, is refused."""
    with pytest.raises(FormatError):
        parse_config(document(found), name="config")


def test_other_numbers_of_layers(tmp_path: Path) -> None:
    """Manifest and configuration speak of the same number of layers."""
    made = saved(BASE, TOP)
    made.files["manifest.json"] = made.files["manifest.json"].replace(b"/layer.tar", b"/layer.tar", 1)
    entry = json.loads(made.files["manifest.json"])[0]
    entry["Layers"].pop()
    made.files["manifest.json"] = document([entry])
    with pytest.raises(FormatError, match="1 layers, and digests of 2"):
        open_image(made.write(tmp_path))


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_a_large_document_is_not_parsed(tmp_path: Path, form: str) -> None:
    """An index of more than 4 MiB is refused before it is parsed."""
    made = layout(BASE)
    made.files["index.json"] += b" " * MAX_DOCUMENT
    with pytest.raises(FormatError, match="more than"):
        open_image(made.write(tmp_path / "l") if form == "folder" else made.pack(tmp_path / "l.tar"))


def test_what_is_no_image(tmp_path: Path) -> None:
    """A folder or an archive without an index is no image; a name without a file is a mistake of usage."""
    with pytest.raises(FormatError, match="no image"):
        open_image(tmp_path)
    (tmp_path / "x.tar").write_bytes(BASE)
    with pytest.raises(FormatError, match="no image"):
        open_image(tmp_path / "x.tar")
    with pytest.raises(UsageError, match="no such"):
        open_image(tmp_path / "nothing")


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_a_bomb_in_a_layer(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    """A layer that decompresses to a thousand times its size is refused, though its digests are right."""
    bomb = layer({"zeros": bytes(8 << 20)})
    image = open_image(layout(bomb, stored=[pack(bomb)]).write(tmp_path))
    with pytest.raises(FormatError, match="times"):
        read_layers(image, content, Caps(free=1 << 20))


def test_a_name_twice_in_an_archive(tmp_path: Path) -> None:
    """An archive that holds two files of one name could be read as two images, and is refused."""
    made = layout(BASE)
    (tmp_path / "l.tar").write_bytes(layer([*made.files.items(), ("index.json", b"{}")]))
    with pytest.raises(FormatError, match="there twice"):
        open_image(tmp_path / "l.tar")
