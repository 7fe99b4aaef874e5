"""Which installed package needs which: requirements with extras and markers, for the target's Python.

Markers are answered for the interpreter and platform that the target's own files name, never for ours.
Source: PyPA "Dependency specifiers".
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from repro.sbom.component import Finding
from repro.sbom.python_markers import answered
from repro.sbom.python_metadata import normalised, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from packaging.requirements import Requirement

    from repro.sbom.python_metadata import Package

_WORD = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
SIMPLE = re.compile(
    rf"\s*(?P<name>{_WORD})\s*(?:\[\s*(?P<extras>{_WORD}(?:\s*,\s*{_WORD})*)\s*\]\s*)?(?:\(?[<>=!~][^@\[]*)?"
)
"""A requirement without marker or address: only its name and extras tell whom it needs."""

_ONLY_EXTRA = re.compile(r"[^;]*;(?!.*\bor\b).*\bextra\s*==", re.DOTALL)
"""A requirement that no package has unless one of its extras is asked for."""

_TAGS = (
    (
        re.compile(r"(?:many|musl)?linux.*?_(?P<machine>x86_64|aarch64|i686|armv7l|ppc64le|s390x|riscv64)"),
        "linux",
    ),
    (re.compile(r"macosx_\d+_\d+_(?P<machine>x86_64|arm64)"), "darwin"),
    (re.compile(r"win_(?P<machine>amd64|arm64)"), "win32"),
)
"""Platforms of wheels (PyPA "Platform compatibility tags") as `sys.platform` calls them."""

_SYSTEMS = {"linux": ("posix", "Linux"), "darwin": ("posix", "Darwin"), "win32": ("nt", "Windows")}


def markers_of(python: str, packages: Iterable[Package]) -> dict[str, str]:
    """Values of all marker variables but `extra`, as far as the target's files tell; "" where they do not.

    `python` is its version; the tags of installed wheels name the platform, Linux where none is tied to one.
    """
    system, machine = _platform_of(packages)
    family, name = _SYSTEMS[system]
    return {
        "python_version": ".".join(python.split(".")[:2]),
        "python_full_version": python,
        "implementation_name": "cpython",
        "implementation_version": python,
        "platform_python_implementation": "CPython",
        "sys_platform": system,
        "os_name": family,
        "platform_system": name,
        "platform_machine": machine,
        "platform_release": "",
        "platform_version": "",
    }


def _platform_of(packages: Iterable[Package]) -> tuple[str, str]:
    for package in packages:
        for line in package.metadata.text("WHEEL").splitlines():
            if not line.startswith("Tag:") or line.rstrip().endswith("-any"):
                continue
            for pattern, system in _TAGS:
                if match := pattern.search(line):
                    return system, match["machine"]
    return "linux", ""


def graph(
    packages: Sequence[tuple[str, Package]], markers: Mapping[str, str]
) -> tuple[dict[str, tuple[str, ...]], list[Finding]]:
    """Whom each package (by reference) needs, and a finding for each need that nothing meets.

    Extras count where another package asks for them. Where a name is there twice, both are meant.
    """
    return _Graph(packages, markers).resolved()


def _by_library(text: str, values: Mapping[str, str]) -> bool | None:
    """What packaging answers to a marker; None where it is none."""
    from packaging.markers import InvalidMarker, Marker

    try:
        return Marker(text).evaluate(dict(values))
    except InvalidMarker:
        return None


class _Graph:
    def __init__(self, packages: Sequence[tuple[str, Package]], markers: Mapping[str, str]) -> None:
        self._packages = packages
        self._markers = markers
        self._known: dict[str, Requirement | None] = {}
        self._answers: dict[tuple[str, str], bool | None] = {}
        self._named: defaultdict[str, list[int]] = defaultdict(list)
        for number, (_, package) in enumerate(packages):
            self._named[package.key].append(number)
        self._needs: list[set[int]] = [set() for _ in packages]
        self._findings: dict[tuple[str, str], Finding] = {}

    def resolved(self) -> tuple[dict[str, tuple[str, ...]], list[Finding]]:
        """Go from package to package until no extra is asked for that was not looked at."""
        requires = [package.requires for _, package in self._packages]
        waiting = [(number, "") for number in range(len(self._packages))]
        done = set(waiting)
        while waiting:
            number, extra = waiting.pop()
            for text in requires[number]:
                for asked in self._followed(number, text, extra):
                    if asked not in done:
                        done.add(asked)
                        waiting.append(asked)
        needs = {
            ref: tuple(sorted(self._packages[other][0] for other in needed if other != number))
            for number, ((ref, _), needed) in enumerate(zip(self._packages, self._needs, strict=True))
        }
        return needs, [self._findings[key] for key in sorted(self._findings)]

    def _followed(self, number: int, text: str, extra: str) -> Iterable[tuple[int, str]]:
        """Note whom a requirement needs, and give the extras that it asks of them."""
        if not extra and _ONLY_EXTRA.match(text):
            return
        extras: Iterable[str] = ()
        head, mark, marker = text.partition(";")
        if match := SIMPLE.fullmatch(head):
            name = normalised(match["name"])
            extras = sorted({each.strip() for each in (match["extras"] or "").split(",") if each})
        else:
            requirement = self._parsed(number, head)
            if requirement is None:
                return
            name, extras = normalised(requirement.name), sorted(requirement.extras)
        if mark and not self._applies(number, marker, extra):
            return
        others = self._named.get(name, [])
        if not others:
            self._note(number, f"needs {name}, which is not there")
        self._needs[number].update(others)
        for other in others:
            yield from ((other, normalised(each)) for each in extras)

    def _applies(self, number: int, text: str, extra: str) -> bool:
        key = (text, extra)
        if key not in self._answers:
            values = {**self._markers, "extra": extra}
            found = answered(text, values)
            self._answers[key] = _by_library(text, values) if found is None else found
        if self._answers[key] is None:
            self._note(number, f"has the marker {plain(text.strip(), 100)!r}, which is none")
        return bool(self._answers[key])

    def _parsed(self, number: int, text: str) -> Requirement | None:
        from packaging.requirements import InvalidRequirement, Requirement

        if text not in self._known:
            try:
                self._known[text] = Requirement(text)
            except InvalidRequirement:
                self._known[text] = None
        if self._known[text] is None:
            from repro.tools.redact import redacted

            self._note(number, f"requires {plain(redacted(text), 100)!r}, which is no requirement")
        return self._known[text]

    def _note(self, number: int, what: str) -> None:
        folder = plain(self._packages[number][1].folder)
        self._findings[folder, what] = Finding(where=folder, what=what)
