"""Random search against Gaussian-process optimisation (GP-UCB) on the Branin function.

Writes {method: [mean over trials of the best value so far, for each evaluation]}.
"""

from __future__ import annotations

import math

import reporting
from bayesopt import branin, search

TRIALS = 5
EVALUATIONS = 100
SETTINGS = search.Settings(initial=5, length_scale=0.25, kappa=2.0)


def mean_by_evaluation(paths: list[list[float]]) -> list[float]:
    """The mean over trials, evaluation by evaluation; `fsum` rounds once, whatever the order."""
    return [math.fsum(column) / len(paths) for column in zip(*paths, strict=True)]


def main() -> None:
    """Run all trials and write the means."""
    parser = reporting.arguments(__doc__)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    points = branin.candidates(options.data)
    truth = branin.values(points)
    problems = [
        search.Problem.draw(points, truth, evaluations=EVALUATIONS, sigma=0.0, seed=[options.seed, trial])
        for trial in range(TRIALS)
    ]
    paths = {
        "random_search": [search.best_so_far(p, search.random_search(p)) for p in problems],
        "gp_ucb": [search.best_so_far(p, search.gp_ucb(p, SETTINGS)) for p in problems],
    }
    results = {method: mean_by_evaluation(values) for method, values in paths.items()}
    reporting.write(options.out, results)
    for method, values in results.items():
        print(f"{method}: mean regret {values[-1] - branin.MINIMUM:.4g} after {EVALUATIONS} evaluations")


if __name__ == "__main__":
    main()
