"""Names of the Nix store in words of an inventory: package, version, output and package URL."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repro.tools.nix_recipes import Recipe

HASH = 33
"""Characters of a store path's last part before its name: the hash and a dash."""

OUTPUTS = frozenset(
    {"bin", "debug", "dev", "devdoc", "devman", "dist", "doc", "info", "lib", "man", "static"}
)
"""Names of outputs by nixpkgs' custom (its manual, "Multiple-output packages"), taken for such behind a
version where no derivation is known."""

_VERSION = re.compile(r"-(?=[^A-Za-z])")
_PLAIN = re.compile(r"[A-Za-z0-9._~-]+")
"""What stands in a package URL as it is (RFC 3986, unreserved; purl specification, "character encoding")."""


def base(path: str) -> str:
    """The last part of a store path: hash and name, unique in every store with the same folder."""
    return path.rpartition("/")[2]


def named(path: str) -> str:
    """A store path's name without its hash, and without `.drv`."""
    return base(path)[HASH:].removesuffix(".drv")


def parsed_name(text: str) -> tuple[str, str]:
    """Package and version as `builtins.parseDrvName` tells them: cut at the first dash before a non-letter.

    A text that begins with such a dash has no name before it, and stays whole.
    """
    match = _VERSION.search(text)
    if match is None or not match.start():
        return text, ""
    return text[: match.start()], text[match.end() :]


def output_of(path: str, derivation: str) -> str:
    """Which output of the derivation called `derivation` a path is, by its name; "" where it does not say."""
    name = named(path)
    if name == derivation:
        return "out"
    return name.removeprefix(f"{derivation}-") if name.startswith(f"{derivation}-") else ""


def guessed_output(name: str) -> tuple[str, str]:
    """A path's name of which no derivation is known as that of the derivation, and the output."""
    rest, dash, last = name.rpartition("-")
    return (rest, last) if dash and last in OUTPUTS and parsed_name(rest)[1] else (name, "")


def of_recipe(recipe: Recipe) -> tuple[str, str]:
    """Package and version by a derivation's own variables where they can be shown, else by its name."""
    name, version = parsed_name(recipe.name)
    if recipe.pname and is_clean(recipe.pname):
        own = recipe.version if is_clean(recipe.version) else ""
        return recipe.pname, own or (version if name == recipe.pname else "")
    if recipe.version and is_clean(recipe.version) and recipe.name.endswith(f"-{recipe.version}"):
        return recipe.name.removesuffix(f"-{recipe.version}"), recipe.version
    return name, version


def is_clean(text: str) -> bool:
    """Whether text can be shown as it stands: no control characters, no marks of direction, not long."""
    return len(text) <= 255 and text.isprintable()  # noqa: PLR2004 - what names of files may have


@cache
def _library_url(name: str, version: str, output: str, system: str) -> str:
    from packageurl import PackageURL

    qualifiers = {"output": output, "system": system}
    found = PackageURL("nix", None, name, version or None, {k: v for k, v in qualifiers.items() if v})
    return str(found.to_string())


def package_url(name: str, version: str, *, output: str = "", system: str = "") -> str:
    """`pkg:nix/NAME@VERSION?output=…&system=…`, as packageurl-python writes it in 20 times the time."""
    if not name or not _PLAIN.fullmatch(name + version + output + system):
        return _library_url(name, version, output, system) if name.strip(" /") else ""
    url = f"pkg:nix/{name}@{version}" if version else f"pkg:nix/{name}"
    if output and system:
        return f"{url}?output={output}&system={system}"
    return f"{url}?{'output' if output else 'system'}={output or system}" if output or system else url
