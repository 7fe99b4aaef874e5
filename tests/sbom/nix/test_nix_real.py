"""Inventories of what a real Nix has built, or could build."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.sbom.images.makers import layout

from repro.core.errors import DataError, ReproError
from repro.sbom.component import NAR_HASH
from repro.sbom.document import written
from repro.sbom.nix_build import buildtime
from repro.sbom.nix_component import OUTPUT_PATH
from repro.sbom.nix_meta import evaluated
from repro.sbom.nix_runtime import recorded, runtime
from repro.sbom.oci import image
from repro.tools.nix_json import parse_path_info

if TYPE_CHECKING:
    from tests.build.conftest import Project

    from repro.sbom.component import Component, Inventory
    from repro.tools.nix_closures import NixClosures
    from repro.tools.nix_recipes import Recipe

SOURCE = b"the source"
PACKAGES = {
    "library": "=make { name = ''library-1.5''; script = ''mkdir $out; echo a > $out/a''; }",
    "source": (
        "=derivation { name = ''app-2.0.tar.gz''; system = ''builtin''; builder = ''builtin:fetchurl'';"
        " url = ''https://user:hunter2@host.example/app-2.0.tar.gz''; outputHashMode = ''flat'';"
        f" outputHashAlgo = ''sha256''; outputHash = ''{hashlib.sha256(SOURCE).hexdigest()}''; }}"
    ),
    "app": (
        "=(make { name = ''app-2.0''; pname = ''app''; version = ''2.0''; src = source;"
        " odd = ''a\"\\\\b\\tc'';"
        " patches = [ ./CVE-2024-1.patch ./fix-CVE-2024-12345.patch ];"
        " script = ''mkdir $out; echo ${library} $out > $out/b''; }) // { meta = {"
        " license = [ { spdxId = ''MIT''; } { fullName = ''Some words''; } ];"
        " identifiers.cpe = ''cpe:2.3:a:maker:app:2.0:*:*:*:*:*:*:*''; homepage = ''https://host.example/'';"
        " description = throw ''not to be had''; }; }"
    ),
}
DIFF = "From: a\nSubject: Fix CVE-2024-99999\n\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-CVE-2024-11111\n+y\n"


@pytest.fixture
def app(project: Project, door: NixClosures) -> str:
    """The installable of a package with a library, a source that is there, and two patches; not built."""
    for name in ("CVE-2024-1.patch", "fix-CVE-2024-12345.patch"):
        (project.root / name).write_text(DIFF)
    project.attributes(**PACKAGES)
    source = project.root.parent / "app-2.0.tar.gz"
    source.write_bytes(SOURCE)
    project.nix("--add-fixed", "sha256", source, program="nix-store")
    assert door.version().numbers >= (2, 8)
    return f"path:{project.root}#app"


def named(inventory: Inventory, name: str) -> Component:
    """The one component of a name."""
    (found,) = (each for each in (inventory.target, *inventory.components) if each.name == name)
    return found


def test_a_built_closure_is_what_the_store_says(project: Project, door: NixClosures, app: str) -> None:
    """Target, dependency, hashes, source, patches and meta of a package that a real Nix has built."""
    project.nix("build", "--no-link", app)
    found = runtime(door, [app], meta=evaluated(door, app))
    library = named(found, "library")
    assert found.target.name == "app"
    assert found.needs == {found.target.ref: (library.ref,), library.ref: ()}
    assert library.purl == "pkg:nix/library@1.5?output=out&system=x86_64-linux"
    stated = json.loads(project.nix("path-info", "--json", app))
    (info,) = parse_path_info(json.dumps(stated).encode()).values()
    assert info is not None
    assert dict(found.target.properties)[NAR_HASH] == info.nar_hash
    (source,) = (each for each in found.target.references if each.kind == "source-distribution")
    assert source.url == "https://host.example/app-2.0.tar.gz"
    assert [each.hex for each in source.digests] == [hashlib.sha256(SOURCE).hexdigest()]
    assert [(each.name, each.diff, each.resolves) for each in found.target.patches] == [
        ("CVE-2024-1.patch", DIFF, ("CVE-2024-99999",)),
        ("fix-CVE-2024-12345.patch", DIFF, ("CVE-2024-12345", "CVE-2024-99999")),
    ]
    assert [(each.expression, each.name) for each in found.target.licences] == [
        ("MIT", ""),
        ("", "Some words"),
    ]
    assert found.target.cpe == "cpe:2.3:a:maker:app:2.0:*:*:*:*:*:*:*"
    assert b"hunter2" not in written(found)


def test_an_image_of_a_closure_has_the_hashes_of_the_store(
    project: Project, door: NixClosures, app: str, tmp_path: Path
) -> None:
    """Paths that a real Nix has built have the same NAR hashes in a layer as in the store."""
    project.nix("build", "--no-link", app)
    built = runtime(door, [app])
    paths = [dict(each.properties)[OUTPUT_PATH] for each in (built.target, *built.components)]
    file = tmp_path / "layer.tar"
    with tarfile.open(file, "w") as tar:
        for path in paths:
            tar.add(path, f"nix/store/{Path(path).name}")
    found = image(layout(file.read_bytes()).write(tmp_path / "image"))
    assert {each.ref: dict(each.properties)[NAR_HASH] for each in found.components} == {
        each.ref: dict(each.properties)[NAR_HASH] for each in (built.target, *built.components)
    }


def test_the_build_time_closure_needs_no_build(project: Project, door: NixClosures, app: str) -> None:
    """All derivations and sources of a package are told, with their graph, and nothing is built by it."""
    found = buildtime(door, [app])
    names = {each.name for each in found.components}
    assert found.target.name == "app"
    assert {"library", "app", "CVE"} <= {each.partition("-2024")[0] for each in names}
    assert set(found.needs) == {found.target.ref, *(each.ref for each in found.components)}
    (source,) = (each for each in found.components if each.digests)
    assert [each.hex for each in source.digests] == [hashlib.sha256(SOURCE).hexdigest()]
    for path in (value for name, value in found.target.properties if name == OUTPUT_PATH):
        assert project.nix.run("path-info", path).returncode != 0
    with pytest.raises(ReproError):
        runtime(door, [app])


def test_files_of_derivations_say_what_nix_says_of_them(door: NixClosures, app: str) -> None:
    """Derivations read from their files equal those that `nix derivation show` prints, escapes included."""

    def sorted_inputs(recipes: dict[str, Recipe]) -> dict[str, Recipe]:
        return {path: each._replace(inputs=tuple(sorted(each.inputs))) for path, each in recipes.items()}

    asked = door.build_closure([app])
    assert len(asked) > 2
    assert sorted_inputs(door.recipes_at_hand(asked)) == sorted_inputs(asked)


def test_the_same_closure_gives_the_same_bytes(project: Project, door: NixClosures, app: str) -> None:
    """Two readings of one closure are written as the same bytes."""
    project.nix("build", "--no-link", app)
    assert written(runtime(door, [app])) == written(runtime(door, [app]))


def test_python_packages_inside_a_path_are_its_components(project: Project, door: NixClosures) -> None:
    """A distribution's metadata in a store path is a component inside that path's, where asked for."""
    folder = "$out/lib/python3.13/site-packages/thing-3.1.dist-info"
    text = "Metadata-Version: 2.1\\nName: thing\\nVersion: 3.1\\n"
    script = f"mkdir -p {folder}; printf '{text}' > {folder}/METADATA"
    project.attributes(env=f"=make {{ name = ''env''; script = ''{script}''; }}")
    app = f"path:{project.root}#env"
    project.nix("build", "--no-link", app)
    found = runtime(door, [app])
    thing = named(found, "thing")
    assert (thing.version, thing.inside) == ("3.1", found.target.ref)
    assert thing.ref in found.needs
    assert runtime(door, [app], contents=False).components == ()


def test_what_a_builder_exports_is_the_closure_too(project: Project, door: NixClosures, app: str) -> None:
    """What a sandbox has instead of a store, `exportReferencesGraph`, gives the same graph."""
    script = '"${./bin}/busybox cat $NIX_ATTRS_JSON_FILE > ${placeholder "out"}"'
    exported = f'name = "exported"; __structuredAttrs = true; script = {script};'
    project.attributes(
        **PACKAGES, exported=f"=make {{ {exported} exportReferencesGraph.closure = [ app ]; }}"
    )
    path = project.nix("build", "--no-link", "--print-out-paths", f"path:{project.root}#exported").strip()
    alone = recorded(Path(path).read_bytes())
    whole = runtime(door, [app])
    assert alone.needs == whole.needs


def test_a_path_that_is_not_there_is_an_error(door: NixClosures, project: Project) -> None:
    """Asked for a path that the store does not hold, nothing is told of it."""
    with pytest.raises(ReproError) as caught:
        runtime(door, [f"{project.nix.store}/{'0' * 32}-nothing"])
    assert caught.value.hint or isinstance(caught.value, DataError)
