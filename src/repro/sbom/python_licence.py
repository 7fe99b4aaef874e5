"""What a Python package says of its licence, and the texts it brings (PEP 639; before it, classifiers)."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from repro.core.errors import FormatError
from repro.sbom.component import Finding, Licence
from repro.sbom.expression import normal
from repro.sbom.python_metadata import plain

if TYPE_CHECKING:
    from repro.sbom.python_metadata import Package
    from repro.sbom.tree import Tree

MAX_TEXT = 512 << 10
"""Cap on one text of a licence, in bytes."""

MAX_TEXTS = 200
"""Cap on the texts of one package; numpy brings a dozen."""

MAX_NAME = 100
"""Characters from which on the field License is a text, no name."""

PREFIX = "License :: OSI Approved :: "

CLASSIFIERS = {
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "CEA CNRS Inria Logiciel Libre License, version 2.1 (CeCILL-2.1)": "CECILL-2.1",
    "Eclipse Public License 1.0 (EPL-1.0)": "EPL-1.0",
    "Eclipse Public License 2.0 (EPL-2.0)": "EPL-2.0",
    "European Union Public Licence 1.1 (EUPL 1.1)": "EUPL-1.1",
    "European Union Public Licence 1.2 (EUPL 1.2)": "EUPL-1.2",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Mulan Permissive Software License v2 (MulanPSL-2.0)": "MulanPSL-2.0",
    "PostgreSQL License": "PostgreSQL",
    "The Unlicense (Unlicense)": "Unlicense",
    "Universal Permissive License (UPL)": "UPL-1.0",
    "University of Illinois/NCSA Open Source License": "NCSA",
    "zlib/libpng License": "Zlib",
}
"""Classifiers that mean exactly one licence of SPDX; `BSD License` could be several, and stays words."""

OPERATORS = frozenset({"AND", "OR", "WITH"})

ONE_OPERATOR: tuple[set[str], ...] = (set(), {"AND"}, {"OR"})

NAMES = {
    name.lower(): name
    for name in (
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "MIT-CMU", "PSF-2.0", "ZPL-2.1"),
        *CLASSIFIERS.values(),
    )
}
"""Identifiers that are known without the library and its list, which take a tenth of a second to load."""

NO_NAME = re.compile(
    r"apache[0-9]?|bsd[0-9]?|expat|[al]?gplv[0-9.]+\+?|lgpl|licen[cs]e|mpl|psfl?|public|python|zpl",
    re.IGNORECASE,
)
"""Words that packages write, and that are no identifier: what holds one is no expression."""

_AND = re.compile(r"\s+AND\s+", re.IGNORECASE)


def licences(tree: Tree, package: Package) -> tuple[tuple[Licence, ...], tuple[Finding, ...]]:
    """The licences of a package with their texts, and what is wrong with what it says."""
    stated, wrong = _stated(package)
    texts, missing = _texts(tree, package)
    if texts:
        first = stated[0] if stated else Licence()
        stated = (Licence(expression=first.expression, name=first.name, texts=texts), *stated[1:])
    where = plain(package.folder)
    return stated, tuple(Finding(where=where, what=plain(what)) for what in (*wrong, *missing))


@cache
def expression_of(text: str) -> str:
    """`text` as an SPDX expression in the writing of SPDX's list, "" where it is none."""
    if found := _chain(text) or _conjunction(text):
        return found
    words = text.split()
    if (
        not words
        or any(map(NO_NAME.fullmatch, words))
        or (len(words) > 1 and not OPERATORS.intersection(map(str.upper, words)))
    ):
        return ""  # words without an operator between them
    if len(text) > MAX_NAME * 5 or "\n" in text:
        return ""
    try:
        return normal(text)
    except FormatError:
        return ""


def _chain(text: str) -> str:
    """Known names joined by one and the same operator; "" for any other text."""
    words = text.split()
    names = [NAMES.get(word.lower(), "") for word in words[::2]]
    operators = {word.upper() for word in words[1::2]}
    if len(words) % 2 and all(names) and operators in ONE_OPERATOR:
        return f" {''.join(operators)} ".join(names)
    return ""


def _conjunction(text: str) -> str:
    """Known names, and alternatives in parentheses, that hold all together; "" for any other text."""
    if "(" not in text:
        return ""
    found = []
    for part in _AND.split(text.strip()):
        if part.startswith("(") and part.endswith(")"):
            inner = _chain(part[1:-1])
            found.append(f"({inner})" if " OR " in inner else "")
        else:
            found.append(NAMES.get(part.lower(), ""))
    return " AND ".join(found) if len(found) > 1 and all(found) else ""


def _stated(package: Package) -> tuple[tuple[Licence, ...], list[str]]:
    """License-Expression; else the field License if it is an expression; else classifiers; else words."""
    wrong: list[str] = []
    if stated := package.one("License-Expression"):
        if found := expression_of(stated):
            return (Licence(expression=found),), wrong
        wrong.append(f"License-Expression {plain(stated, MAX_NAME)!r} is no SPDX expression")
    words = package.one("License")
    if found := expression_of(words) if words else "":
        return (Licence(expression=found),), wrong
    classifiers = [
        text.removeprefix(PREFIX) for text in package.all("Classifier") if text.startswith("License ::")
    ]
    if classifiers and all(CLASSIFIERS.get(text) for text in classifiers):
        return tuple(Licence(expression=CLASSIFIERS[text]) for text in sorted(set(classifiers))), wrong
    names = [stated, words if len(words) <= MAX_NAME and "\n" not in words else ""]
    if not any(names):
        names = [text.removeprefix("License :: ") for text in classifiers]
    cleaned = sorted({plain(name, MAX_NAME) for name in names if name})
    if not cleaned and words:
        cleaned = [plain(words.strip().splitlines()[0], MAX_NAME)]
    return tuple(Licence(name=name) for name in cleaned), wrong


def _texts(tree: Tree, package: Package) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    """The files that License-File names: in `licenses/` (PEP 639), or where wheels had them before."""
    found, wrong = [], []
    for name in sorted(set(package.all("License-File")))[:MAX_TEXTS]:
        inner = next(
            (path for path in (f"licenses/{name}", f"license_files/{name}", name) if path in package.files),
            "",
        )
        if not inner:
            wrong.append(f"License-File {plain(name)!r} is not there")
            continue
        try:
            data = tree.read(f"{package.folder}/{inner}", MAX_TEXT)
        except FormatError as error:
            wrong.append(error.message)
            continue
        found.append((plain(name), data.decode(errors="replace").replace("\r\n", "\n")))
    return tuple(found), wrong
