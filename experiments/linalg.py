"""Solve, singular values, eigenvalues and a Fourier transform of fixed integer data.

Here BLAS and LAPACK decide the last bits: threads, CPU and block sizes change the order of their sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import reporting

if TYPE_CHECKING:
    from numpy.typing import NDArray

SORT_DECIMALS = 6
"""Eigenvalues are sorted by their parts rounded to this many decimals, far above rounding noise."""


def in_order(eigenvalues: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Sorted by real part, then by imaginary part."""
    keys = np.round(eigenvalues.imag, SORT_DECIMALS), np.round(eigenvalues.real, SORT_DECIMALS)
    return np.asarray(eigenvalues[np.lexsort(keys)])


def parts(numbers: NDArray[np.complex128]) -> dict[str, list[float]]:
    """Complex numbers as JSON."""
    return {"real": numbers.real.tolist(), "imag": numbers.imag.tolist()}


def decompose(matrix: NDArray[np.float64], rhs: NDArray[np.float64]) -> dict[str, Any]:
    """Solution, singular values (descending) and eigenvalues of a square matrix and of its symmetric part."""
    return {
        "solve": np.linalg.solve(matrix, rhs).tolist(),
        "singular_values": np.linalg.svd(matrix, compute_uv=False).tolist(),
        "eigenvalues": parts(in_order(np.linalg.eigvals(matrix).astype(np.complex128))),
        "symmetric_eigenvalues": np.linalg.eigvalsh(0.5 * (matrix + matrix.T)).tolist(),
    }


def main() -> None:
    """Decompose the matrix and transform the signal."""
    options = reporting.arguments(__doc__).parse_args()
    matrix, rhs, signal = (
        np.loadtxt(options.data / name, delimiter=",") for name in ("matrix.csv", "rhs.csv", "signal.csv")
    )
    results = decompose(matrix, rhs)
    results["fft"] = parts(np.fft.rfft(signal))
    reporting.write(options.out, results)
    print(f"order {len(matrix)}, condition number {np.linalg.cond(matrix):.3g}, {len(signal)} samples")


if __name__ == "__main__":
    main()
