"""Virtual environments made of files alone: what installers write, and what they never should."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from repro.core.canonical import to_bytes
from repro.sbom.python_environment import environment

if TYPE_CHECKING:
    from repro.sbom.component import Component, Inventory

SITE = "lib/python3.11/site-packages"


def record_hash(data: bytes) -> str:
    """A hash as RECORD has it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


class Venv:
    """A virtual environment's folder, with what is installed into it by hand."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.site = root / SITE
        self.site.mkdir(parents=True)
        (root / "bin").mkdir()
        (root / "pyvenv.cfg").write_text(
            "home = /somewhere/bin\ninclude-system-site-packages = false\nversion = 3.11.7\n"
        )

    def install(
        self,
        name: str,
        version: str = "1.0",
        *,
        headers: str | bytes = "",
        files: dict[str, bytes] | None = None,
        notes: dict[str, bytes] | None = None,
        metadata: bytes | None = None,
        folder: str = "",
        record: str | None = None,
    ) -> Path:
        """Write a package: `files` below the site folder, `notes` below its `.dist-info`, a true RECORD."""
        info = folder or f"{name.replace('-', '_')}-{version}.dist-info"
        extra = headers if isinstance(headers, bytes) else headers.encode()
        text = (
            f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n".encode() + extra + b"\nBody: text\n"
        )
        contents = dict(files if files is not None else {f"{name.replace('-', '_')}.py": b"VALUE = 1\n"})
        contents[f"{info}/METADATA"] = text if metadata is None else metadata
        contents[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nTag: py3-none-any\n"
        contents.update((f"{info}/{path}", data) for path, data in (notes or {}).items())
        lines = []
        for path, data in contents.items():
            place = Path(os.path.normpath(self.site / path))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            lines.append(f'"{path}",{record_hash(data)},{len(data)}\n')
        lines.append(f"{info}/RECORD,,\n")
        (self.site / info / "RECORD").write_text("".join(lines) if record is None else record)
        return self.site / info

    def read(self, *, measured: bool = False) -> Inventory:
        """Its inventory."""
        return environment(self.root, measured=measured)


@pytest.fixture
def venv(tmp_path: Path) -> Venv:
    """An empty environment."""
    return Venv(tmp_path / "venv")


def named(inventory: Inventory, name: str) -> Component:
    """The one component of a name."""
    (found,) = [each for each in inventory.components if each.name == name]
    return found


def said(inventory: Inventory) -> str:
    """All findings as text."""
    return "\n".join(f"{each.where}: {each.what}" for each in inventory.findings)


def property_of(component: Component, name: str) -> str:
    """A property's value, "" for none."""
    return dict(component.properties).get(name, "")


def whole(inventory: Inventory) -> str:
    """Everything that an inventory holds, as text."""
    return to_bytes(repr(inventory)).decode()
