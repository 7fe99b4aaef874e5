"""Every reader under bytes that coverage guides, by hand: `readers.py SUFFIX -runs=100000 [FOLDER]`.

Needs atheris, which is no dependency of the project. Only the errors of the house may come out; anything else
ends the run with the input that caused it. Without a folder of inputs it begins with none.
"""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

with atheris.instrument_imports(include=["repro", "ruamel", "tomllib", "zipfile", "tarfile"]):
    from repro.core.errors import ReproError
    from repro.drift.readers.choose import folder_of, read


def one_input(data: bytes, name: str) -> None:
    """Read some bytes as a file of this name."""
    try:
        if folder_of(data, name=name) is None:
            read(data, name=name)
            read(data, name=name, printed=True)
    except ReproError:
        pass


def main() -> None:
    """Fuzz the reader that the first argument chooses by its suffix."""
    name = f"input{sys.argv.pop(1)}"
    atheris.Setup(sys.argv, lambda data: one_input(data, name))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
