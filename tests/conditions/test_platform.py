from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.conditions import platform
from repro.core import canonical
from repro.core.errors import FormatError
from repro.tools import host, process

INTEL = """processor\t: 0
model name\t: Some CPU @ 2.00GHz
flags\t\t: fpu sse2 avx2 avx2
bugs\t\t: spectre

processor\t: 1
flags\t\t: other
"""
ARM = "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"
NVIDIA = """
==============NVSMI LOG==============

Timestamp                                 : Mon Jan  1 00:00:00 2024
Driver Version                            : 535.104.05
CUDA Version                              : 12.2

Attached GPUs                             : 2
GPU 00000000:01:00.0
    Product Name                          : NVIDIA A100-SXM4-40GB
    Product Brand                         : NVIDIA
GPU 00000000:02:00.0
    Product Name                          : NVIDIA A100-SXM4-40GB
"""


def test_the_keyed_part_names_flags_and_libc() -> None:
    """The cache key sees the processor's features, sorted, with their digest, and the C library."""
    keyed = platform.keyed()
    flags = keyed["cpu_flags"]
    assert isinstance(flags, list)
    assert flags == sorted(set(flags))
    assert str(keyed["cpu_flags_digest"]).startswith("sha256:")
    assert platform.libc()["name"]
    assert platform.platform_class() == f"{keyed['os']}-{keyed['machine']}"
    canonical.to_bytes(keyed)


def test_the_keyed_part_loads_nothing_heavy() -> None:
    """Numpy, dvc and threadpoolctl stay unloaded on the way to the cache key."""
    code = (
        "import sys; from repro.conditions import platform; platform.keyed(); "
        "print(sorted({'numpy', 'dvc', 'threadpoolctl', 'uv'} & sys.modules.keys()))"
    )
    assert process.run([sys.executable, "-c", code]).text == "[]"


def test_the_observed_part_is_plain_json() -> None:
    """The record gets CPU model, kernel, distribution, memory in bytes and GPUs, without floats."""
    seen = platform.observed(host.variables())
    canonical.to_bytes(seen)
    assert seen.keys() == {"cpu_model", "kernel", "distribution", "memory_bytes", "processors", "gpus"}
    assert isinstance(seen["memory_bytes"], int)


def test_a_machine_without_nvidia_has_no_gpus(tmp_path: Path) -> None:
    """Where `nvidia-smi` is not found the list of GPUs is empty."""
    assert platform.observed({"PATH": str(tmp_path)})["gpus"] == []


def test_gpus_are_told_with_driver_and_cuda(tmp_path: Path) -> None:
    """Each GPU that `nvidia-smi` names is recorded with driver and CUDA version."""
    (tmp_path / "answer").write_text(NVIDIA)
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f'#!/bin/sh\nwhile IFS= read -r line; do echo "$line"; done < {tmp_path / "answer"}\n')
    tool.chmod(0o755)
    gpu = {"name": "NVIDIA A100-SXM4-40GB", "driver": "535.104.05", "cuda": "12.2"}
    assert platform.observed({"PATH": str(tmp_path)})["gpus"] == [gpu, gpu]


@pytest.mark.parametrize(
    ("text", "flags", "model"),
    [
        (INTEL, ["avx2", "fpu", "sse2"], "Some CPU @ 2.00GHz"),
        (ARM, ["asimd", "fp"], "0x41 0xd0c"),
        ("", [], "unknown"),
    ],
)
def test_the_first_processor_is_read(text: str, flags: list[str], model: str) -> None:
    """Features and model come from the first processor, under the names of x86 or ARM."""
    processor = platform.parse_cpuinfo(text)
    assert platform.cpu_flags(processor) == flags
    assert platform.cpu_model(processor) == model


def test_the_probe_tells_numpy_and_its_blas() -> None:
    """Run with an interpreter that has numpy, the probe tells its version, BLAS, threads and kernel."""
    numpy = pytest.importorskip("numpy")
    probe = platform.probe_command(Path(sys.executable))
    env = {**host.variables(), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    facts = platform.parse_probe(process.run(probe.argv, env=env).stdout)
    assert facts["numpy"]["version"] == numpy.__version__
    assert facts["numpy"]["blas"]["name"]
    blas = [library for library in facts["libraries"] if library["user_api"] == "blas"]
    assert blas
    assert all(library["num_threads"] == 1 and library["architecture"] for library in blas)
    assert "/" not in json.dumps([library["file"] for library in facts["libraries"]])


def test_the_probe_works_without_numpy(tmp_path: Path) -> None:
    """An interpreter without numpy and threadpoolctl is told as one without."""
    bare = tmp_path / "bare"
    process.run([sys.executable, "-m", "venv", "--without-pip", str(bare)])
    probe = platform.probe_command(bare / "bin" / "python")
    facts = platform.parse_probe(process.run(probe.argv).stdout)
    assert facts["numpy"] is None
    assert facts["libraries"] == []
    assert facts["libc"] == platform.libc()


def test_the_probe_names_the_files_it_needs() -> None:
    """Every path of the command that is not the interpreter is among the files to show to a sandbox."""
    probe = platform.probe_command(Path("/python"))
    assert tuple(part for part in probe.argv[1:] if part.startswith("/")) == tuple(map(str, probe.files))
    assert all(file.is_file() for file in probe.files)


@given(st.binary(max_size=60) | st.just(b'{"python":"3","libc":{},"numpy":{"x":[1.5]},"libraries":[]}'))
def test_hostile_answers_are_refused(data: bytes) -> None:
    """What is not the JSON of a probe, or holds a float, is a FormatError."""
    with pytest.raises(FormatError, match="platform probe"):
        platform.parse_probe(data)
