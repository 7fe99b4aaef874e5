"""What sigstore-python makes ready at its start and mostly never uses: made ready when it is used.

These are modules that only a network needs, where verifying asks none, and the validators of pydantic's
models. They take half of the time in which sigstore-python is imported. Nothing of them is replaced: what is
used is the module or the model itself, only later.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from threading import get_ident
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOR_NETWORKS = ("requests", "tuf.ngclient", "jwt")
"""Asks servers, fetches a newer trusted root, reads tokens of those who sign."""

OTHER_ENTRIES = tuple(
    f"rekor_types._internal.{kind}"
    for kind in ("alpine", "cose", "helm", "intoto", "jar", "rekord", "rfc3161", "rpm", "tuf")
)
"""The models of log entries of kinds that no bundle has, or that sigstore-python does not read."""


class _Deferred(ModuleType):
    """Stands for a module; what its importer takes from it is deferred too."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._importer: int | None = get_ident()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the module has
        if self._importer != get_ident():
            return getattr(self.loaded(), name)
        if name == "__version__":
            return _version(self.__name__)
        if name.startswith("__"):  # the import system asks for what packages have
            raise AttributeError(name)
        return _Part(self, name)

    def loaded(self) -> ModuleType:
        """The module itself."""
        self.gone()
        return import_module(self.__name__)

    def gone(self) -> None:
        """Stand in the way of no import any more."""
        self._importer = None
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]


class _Part:
    """Stands for a class or function of a deferred module, in annotations and until it is called."""

    def __init__(self, module: _Deferred, name: str) -> None:
        self._module, self._name = module, name

    def __call__(self, *values: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever the function takes
        return self._loaded()(*values, **options)

    def __get_pydantic_core_schema__(self, _source: object, handler: Callable[[object], Any]) -> Any:  # noqa: ANN401 - pydantic's
        """As the type of a model's field it is the class itself, once the model is built."""
        return handler(self._loaded())

    def _loaded(self) -> Any:  # noqa: ANN401 - whatever the module has
        return getattr(self._module.loaded(), self._name)


def _version(package: str) -> str:
    """What a package says in its `__version__.py`, without importing the package."""
    found = PathFinder.find_spec(package)
    inside = PathFinder.find_spec("__version__", found.submodule_search_locations if found else [])
    if inside is None or inside.loader is None:
        raise AttributeError("__version__")
    module = module_from_spec(inside)
    inside.loader.exec_module(module)
    return str(module.__version__)


@contextmanager
def deferred(*names: str) -> Iterator[None]:
    """Within, imports of these modules load nothing; threads other than this get the modules themselves."""
    stand_ins = [_Deferred(name) for name in names if name not in sys.modules]
    sys.modules.update({one.__name__: one for one in stand_ins})
    try:
        yield
    finally:
        for one in stand_ins:
            one.gone()


@contextmanager
def unbuilt_models() -> Iterator[None]:
    """Within, models of pydantic are defined, and each is built at its first use (pydantic, `defer_build`).

    No two threads may use one for the first time at once.
    """
    from pydantic import BaseModel

    BaseModel.model_config["defer_build"] = True
    try:
        yield
    finally:
        BaseModel.model_config.pop("defer_build", None)
