"""Prints the numeric facts of the interpreter that runs it, as JSON; a script of its own, for any Python 3.

Its argument is the path of a threadpoolctl.py, which the environment itself need not have. The libraries of
numpy and scipy are loaded first, so that libraries, threads and kernels are those that a run would see.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import platform
import sys
from typing import Any


def numpy_facts() -> dict[str, object] | None:
    """Version and build of numpy; None where there is none."""
    try:
        import numpy as np
    except ImportError:
        return None
    facts: dict[str, object] = {"version": np.__version__}
    try:
        built: Any = np.show_config(mode="dicts")
    except TypeError:  # numpy before 1.25 only prints
        return facts
    needs = built.get("Build Dependencies", {})
    for name in ("blas", "lapack"):
        entry = needs.get(name, {})
        facts[name] = {key: str(entry.get(key, "")) for key in ("name", "version")}
    facts["compilers"] = {
        language: " ".join(str(entry.get(key, "")) for key in ("name", "version"))
        for language, entry in built.get("Compilers", {}).items()
    }
    simd = built.get("SIMD Extensions", {})
    facts["simd"] = {key: sorted(map(str, simd.get(key) or [])) for key in ("baseline", "found")}
    return facts


def library_facts(threadpoolctl: str) -> list[dict[str, object]]:
    """The loaded BLAS and OpenMP libraries: version, threads, kernel architecture; files by name only."""
    spec = importlib.util.spec_from_file_location("threadpoolctl", threadpoolctl)
    if spec is None or spec.loader is None:
        return []
    module = importlib.util.module_from_spec(spec)
    sys.modules["threadpoolctl"] = module
    spec.loader.exec_module(module)
    found = []
    for entry in module.threadpool_info():
        facts = {key: value for key, value in entry.items() if key != "filepath"}
        facts["file"] = os.path.basename(entry.get("filepath") or "")  # noqa: PTH119 - a name, not a path
        found.append(facts)
    return sorted(found, key=lambda facts: str(facts["file"]))


def main() -> None:
    """Print one JSON object."""
    numpy = numpy_facts()
    with contextlib.suppress(ImportError):
        importlib.import_module("scipy.linalg")
    libc, version = platform.libc_ver()
    facts = {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "compiler": platform.python_compiler(),
        "libc": {"name": libc, "version": version},
        "numpy": numpy,
        "libraries": library_facts(sys.argv[1]) if sys.argv[1:] else [],
    }
    sys.stdout.write(json.dumps(facts, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
