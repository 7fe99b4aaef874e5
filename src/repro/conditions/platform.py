"""The platform's fingerprint: what is keyed (cheap, may move bits), and what is only recorded."""

from __future__ import annotations

import functools
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repro.core import strictjson
from repro.core.digest import of_value
from repro.core.errors import FormatError, ToolError
from repro.tools import host, process

if TYPE_CHECKING:
    from collections.abc import Mapping

    from repro.conditions.environment import JSON

CPUINFO = Path("/proc/cpuinfo")
MAX_PROBE_BYTES = 4 << 20


def platform_class() -> str:
    """The class of platforms among which results are expected to agree, such as `linux-x86_64`."""
    return f"{sys.platform}-{os.uname().machine}"


@functools.cache
def keyed() -> Mapping[str, JSON]:
    """What takes part in the cache key: system, machine, CPU flags (sorted) with their digest, and libc."""
    flags = cpu_flags(_first_processor())
    return {
        "os": sys.platform,
        "machine": os.uname().machine,
        "cpu_flags": flags,
        "cpu_flags_digest": str(of_value(flags)),
        "libc": libc(),
    }


def libc() -> dict[str, str]:
    """Name and version of the C library; musl does not tell its version."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (ValueError, OSError):
        name, version = "", ""
    if not name and sys.platform == "linux":
        name = "musl"
    return {"name": name, "version": version}


def observed(variables: Mapping[str, str]) -> Mapping[str, JSON]:
    """What is recorded and not keyed: CPU model, kernel, distribution, memory in bytes, processors, GPUs.

    `variables` are those that `nvidia-smi` is looked for and started with.
    """
    system = os.uname()
    return {
        "cpu_model": cpu_model(_first_processor()),
        "kernel": f"{system.sysname} {system.release}",
        "distribution": _distribution(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "processors": host.processors(),
        "gpus": _gpus(variables),
    }


def cpu_flags(processor: Mapping[str, str]) -> list[str]:
    """The features of a processor entry of /proc/cpuinfo, sorted; `flags` on x86, `Features` on ARM."""
    return sorted(set((processor.get("flags") or processor.get("Features") or "").split()))


def cpu_model(processor: Mapping[str, str]) -> str:
    """The model of a processor entry of /proc/cpuinfo, or as much as ARM tells."""
    if name := processor.get("model name"):
        return name
    parts = (processor.get(key, "") for key in ("CPU implementer", "CPU part", "CPU variant"))
    return " ".join(part for part in parts if part) or "unknown"


def parse_cpuinfo(text: str) -> dict[str, str]:
    """The first processor of /proc/cpuinfo, as a table."""
    first = text.lstrip("\n").partition("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def parse_nvidia(text: str) -> list[dict[str, str]]:
    """The GPUs in the answer of `nvidia-smi -q`: name, driver and CUDA version of each."""
    driver = re.search(r"^Driver Version\s*:\s*(\S+)", text, re.MULTILINE)
    cuda = re.search(r"^CUDA (?:UMD )?Version\s*:\s*(\S+)", text, re.MULTILINE)
    return [
        {"name": name, "driver": driver[1] if driver else "", "cuda": cuda[1] if cuda else ""}
        for name in re.findall(r"^\s+Product Name\s*:\s*(.+?)\s*$", text, re.MULTILINE)
    ]


@functools.cache
def _first_processor() -> Mapping[str, str]:
    # The kernel writes this file while it is read, one processor after another: the first is enough.
    lines = []
    try:
        with CPUINFO.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if not line.strip():
                    break
                lines.append(line)
    except OSError:
        return {}
    return parse_cpuinfo("".join(lines))


def _distribution() -> str:
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "unknown"
    match = re.search(r'^PRETTY_NAME="?([^"\n]*)', text, re.MULTILINE)
    return match[1] if match else "unknown"


def _gpus(variables: Mapping[str, str]) -> list[dict[str, str]]:
    try:
        done = process.run(["nvidia-smi", "-q"], env=variables, timeout_seconds=20)
    except ToolError:  # no GPU, or none that answers
        return []
    return parse_nvidia(done.stdout.decode(errors="replace"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A command that tells an environment's numeric facts, and the files that a sandbox must show to it."""

    argv: tuple[str, ...]
    files: tuple[Path, ...]


def probe_command(python: Path) -> Probe:
    """The probe for the interpreter `python`, to be run under the conditions of the run that it describes.

    Starting that interpreter runs code of its packages, so it belongs inside the run's isolation. The command
    brings the tool's own threadpoolctl along. `-I` keeps its folder off the module path, where this room's
    files would hide those of the standard library; `-B` leaves no bytecode behind where the environment can
    be written.
    """
    import importlib.util

    script = Path(__file__).with_name("probe.py")
    found = importlib.util.find_spec("threadpoolctl")
    library = Path(found.origin) if found and found.origin else None
    files = (script, library) if library else (script,)
    return Probe(argv=(str(python), "-I", "-B", *map(str, files)), files=files)


def parse_probe(data: bytes) -> dict[str, Any]:
    """The facts that a probe printed, for the record; FormatError where they are not what a probe prints."""
    facts = strictjson.parse(data, name="platform probe", max_bytes=MAX_PROBE_BYTES)
    if not isinstance(facts, dict) or not {"python", "libc", "numpy", "libraries"} <= facts.keys():
        raise FormatError("platform probe: not the facts that a probe prints")
    if _has_float(facts):
        raise FormatError("platform probe: holds a float")
    return facts


def _has_float(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_float, value.values()))
    if isinstance(value, list):
        return any(map(_has_float, value))
    return isinstance(value, float)
