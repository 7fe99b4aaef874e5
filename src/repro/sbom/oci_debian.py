"""The Debian part of an image: its packages with their files, licences and layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from repro.core.digest import Digest
from repro.core.errors import FormatError
from repro.sbom.address import public
from repro.sbom.component import CONTENT, Component, Finding, Kind, Reference, content_of
from repro.sbom.dpkg import parse_copyright, parse_status, resolved
from repro.sbom.python_metadata import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.sbom.component import Licence
    from repro.sbom.dpkg import Package
    from repro.sbom.layers import File, LayerTree, Stack

STATUS = "var/lib/dpkg/status"
STATUS_FOLDER = "var/lib/dpkg/status.d/"
INFO = "var/lib/dpkg/info"

SOURCE = "repro:deb:source"
"""Property: name and version of the source package, by which Debian tells of vulnerabilities."""

MAX_STATUS = 64 << 20
MAX_TEXT = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What os-release(5) says: `id` and `version`, such as debian and 12."""

    id: str = ""
    version: str = ""
    title: str = ""

    @property
    def distro(self) -> str:
        """The qualifier `distro` of package URLs."""
        return "-".join(word for word in (self.id, self.version) if word)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Components with the index of the layer of each by reference, whom they need, and what was wrong."""

    components: tuple[Component, ...]
    layers: Mapping[str, int]
    needs: Mapping[str, tuple[str, ...]]
    findings: tuple[Finding, ...] = ()


def release_of(stack: Stack) -> Release:
    """The system that an image holds; nothing where it does not say."""
    file = stack.file("etc/os-release") or stack.file("usr/lib/os-release")
    if file is None or not isinstance(file.kept, bytes):
        return Release()
    rows = (line.partition("=") for line in file.kept.decode(errors="replace").splitlines())
    words = {key.strip(): plain(value.strip().strip("\"'")) for key, _, value in rows}
    return Release(
        id=words.get("ID", ""), version=words.get("VERSION_ID", ""), title=words.get("PRETTY_NAME", "")
    )


def debian(tree: LayerTree, stack: Stack, release: Release) -> Part:
    """The packages that dpkg installed."""
    files = [STATUS] if STATUS in tree.files else []
    files += [path for path in tree.files if path.startswith(STATUS_FOLDER) and not path.endswith(".md5sums")]
    packages: dict[str, tuple[Package, str]] = {}
    findings: list[Finding] = []
    for path in sorted(files):
        try:
            found, wrong = parse_status(tree.read(path, MAX_STATUS), name=path)
        except FormatError as error:
            found, wrong = [], [error.message]
        findings += [Finding(where=plain(path), what=plain(each)) for each in wrong]
        for package in found:
            if package.ref in packages:
                findings.append(Finding(where=plain(path), what=f"{package.ref} is installed twice"))
            packages.setdefault(package.ref, (package, path))
    makers = {ref: _Maker(tree, stack, release, package) for ref, (package, _) in packages.items()}
    return Part(
        components=tuple(maker.component() for maker in makers.values()),
        layers={ref: makers[ref].layer(path) for ref, (_, path) in packages.items()},
        needs=resolved([package for package, _ in packages.values()]),
        findings=tuple(findings),
    )


class _Maker:
    """Makes the component of one package."""

    def __init__(self, tree: LayerTree, stack: Stack, release: Release, package: Package) -> None:
        self.tree, self.stack, self.release, self.package = tree, stack, release, package
        self.list = next((path for path in self._lists() if path in tree.files), "")

    def _lists(self) -> tuple[str, str]:
        name, architecture = self.package.name, self.package.architecture
        return (f"{INFO}/{name}.list", f"{INFO}/{name}:{architecture}.list")

    def layer(self, status: str) -> int:
        """The layer that brought the list of the package's files, or else the file that names it."""
        return self.tree.files[self.list or status].layer

    def component(self) -> Component:
        package = self.package
        source = f"{package.source} {package.source_version}"
        content = self._content()
        homepage = public(package.homepage) if package.homepage.startswith("http") else ""
        return Component(
            ref=package.ref,
            name=package.name,
            version=package.version,
            purl=self._purl(),
            description=plain(package.description),
            author=plain(package.maintainer),
            licences=self._licences(),
            references=(Reference(kind="website", url=homepage),) if homepage else (),
            properties=((SOURCE, plain(source)), *(((CONTENT, content),) if content else ())),
        )

    def _purl(self) -> str:
        from packageurl import PackageURL

        qualifiers = {"arch": self.package.architecture, "distro": self.release.distro}
        url = PackageURL(
            "deb",
            self.release.id or "debian",
            self.package.name,
            self.package.version,
            {key: value for key, value in qualifiers.items() if value},
        )
        return str(url.to_string())

    def _content(self) -> str:
        """One digest over the package's files, as they are in the image; "" where nothing lists them."""
        if not self.list:
            return ""
        try:
            lines = self.tree.read(self.list, MAX_TEXT).decode(errors="surrogateescape").split("\n")
        except FormatError:
            return ""
        files = {path: file for path in lines if (file := self._file(path))}
        return content_of({path: Digest("sha256", file.sha256.hex()) for path, file in files.items()})

    def _file(self, path: str) -> File | None:
        inner = path.strip("/")
        return (self.tree.files.get(inner) or self.stack.file(inner)) if inner and inner != "." else None

    def _licences(self) -> tuple[Licence, ...]:
        file = self.stack.file(f"usr/share/doc/{self.package.name}/copyright")
        return parse_copyright(file.kept) if file is not None and isinstance(file.kept, bytes) else ()


def system(release: Release) -> Component | None:
    """The operating system as a component."""
    if not release.id:
        return None
    return Component(
        ref="os",
        name=release.id,
        version=release.version,
        kind=Kind.OPERATING_SYSTEM,
        description=release.title,
    )
