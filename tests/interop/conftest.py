"""The running servers, one set for all tests here; `make interop` has built them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.interop.servers import RealSigstore, real_sigstore
from tests.interop.tools import TOOLS, javascript

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here is one of interoperability."""
    for item in items:
        if item.path.parent.name == "interop":
            item.add_marker(pytest.mark.interop)


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    """All tools are there."""
    missing = [tool.name for tool in TOOLS.values() if not tool.path.exists()]
    missing += [] if (javascript() / "installed.json").exists() else ["sigstore-js"]
    if missing:
        reason = f"not built: {', '.join(missing)}; make interop builds them"
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)


@pytest.fixture(scope="session")
def real(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSigstore]:
    with real_sigstore(tmp_path_factory.mktemp("sigstore")) as running:
        yield running
