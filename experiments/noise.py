"""Random search against GP-UCB on the Branin function observed with noise: one sigma, one seed.

Writes {config, results_by_noise: {sigma: {method: [regret at each checkpoint]}}}. Regret is measured on the
true value at the point chosen, the one with the least (noisy) observation so far.
"""

from __future__ import annotations

import reporting
from bayesopt import branin, search

EVALUATIONS = 100
CHECKPOINTS = tuple(range(5, EVALUATIONS + 1, 5))
SETTINGS = search.Settings(initial=5, length_scale=0.25, kappa=2.0)


def regrets(problem: search.Problem, chosen: list[int]) -> list[float]:
    """The true value at the point chosen, less the minimum, at each of the CHECKPOINTS."""
    path = search.best_so_far(problem, chosen)
    return [path[count - 1] - branin.MINIMUM for count in CHECKPOINTS]


def main() -> None:
    """Run both methods once, on the same random numbers, and write their regrets."""
    parser = reporting.arguments(__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--sigma", type=float, required=True, help="standard deviation of an observation")
    options = parser.parse_args()
    points = branin.candidates(options.data)
    problem = search.Problem.draw(
        points, branin.values(points), evaluations=EVALUATIONS, sigma=options.sigma, seed=[options.seed]
    )
    by_method = {
        "random_search": regrets(problem, search.random_search(problem)),
        "gp_ucb": regrets(problem, search.gp_ucb(problem, SETTINGS)),
    }
    config = {
        "checkpoints": CHECKPOINTS,
        "evaluations": EVALUATIONS,
        "seed": options.seed,
        "sigma": options.sigma,
    }
    reporting.write(options.out, {"config": config, "results_by_noise": {f"{options.sigma:g}": by_method}})
    for method, values in by_method.items():
        print(f"{method}: regret {values[-1]:.4g} at sigma {options.sigma:g}, seed {options.seed}")


if __name__ == "__main__":
    main()
