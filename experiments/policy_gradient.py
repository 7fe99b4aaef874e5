"""A policy-gradient agent on the Branin function: it learns where to sample from rewards alone.

Writes {learning_curve: {mean_value, best_so_far}, final_policy: one per trial}.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import reporting
from bayesopt import branin

TRIALS = 5
ITERATIONS = 100
BATCH = 20
MEAN_RATE = 0.5
DEVIATION_RATE = 0.15
INITIAL_DEVIATION = 0.2
"""Of each coordinate, with the box scaled to the unit square."""

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Independent normal distributions of the two coordinates, in units of the box."""

    mean: Pair
    log_deviation: Pair

    def act(self, normal: Pair) -> Pair:
        """The point that a standard normal draw stands for, clipped to the box."""
        unit = [m + math.exp(s) * z for m, s, z in zip(self.mean, self.log_deviation, normal, strict=True)]
        x1, x2 = (
            low + (high - low) * min(max(u, 0.0), 1.0)
            for u, low, high in zip(unit, branin.LOWER, branin.UPPER, strict=True)
        )
        return x1, x2

    def improved(self, normals: list[Pair], advantages: list[float]) -> Policy:
        """One step of REINFORCE along the natural gradient of the expected reward.

        Score of a normal distribution: z / deviation for its mean, z^2 - 1 for its log deviation; the Fisher
        information divides by 1 / deviation^2 and 2. Sources: R. J. Williams (1992), Machine Learning 8,
        229-256, section 6; S. Kakade (2001), A natural policy gradient, NIPS 14.
        """
        mean, log_deviation = [], []
        for axis in (0, 1):
            z = [normal[axis] for normal in normals]
            deviation = math.exp(self.log_deviation[axis])
            slope = average([a * v for a, v in zip(advantages, z, strict=True)])
            widening = average([a * (v * v - 1) / 2 for a, v in zip(advantages, z, strict=True)])
            mean.append(self.mean[axis] + MEAN_RATE * deviation * slope)
            log_deviation.append(self.log_deviation[axis] + DEVIATION_RATE * widening)
        return Policy(mean=(mean[0], mean[1]), log_deviation=(log_deviation[0], log_deviation[1]))


def average(numbers: list[float]) -> float:
    """The mean from the exactly rounded sum: no order of summation can change it."""
    return math.fsum(numbers) / len(numbers)


def standardised(rewards: list[float]) -> list[float]:
    """Rewards less their mean (the baseline), in units of their deviation."""
    mean = average(rewards)
    deviation = math.sqrt(average([(r - mean) * (r - mean) for r in rewards]))
    return [(r - mean) / (deviation + 1e-12) for r in rewards]


def train(start: Pair, stream: np.random.Generator) -> tuple[list[float], list[float], Policy]:
    """Mean value of each batch, best value so far, and the policy in the end."""
    policy = Policy(mean=start, log_deviation=(math.log(INITIAL_DEVIATION),) * 2)
    means: list[float] = []
    best: list[float] = []
    for _ in range(ITERATIONS):
        normals = [(a, b) for a, b in stream.standard_normal((BATCH, 2)).tolist()]
        values = [branin.branin(*policy.act(normal)) for normal in normals]
        policy = policy.improved(normals, standardised([-v for v in values]))
        means.append(average(values))
        best.append(min([*best[-1:], *values]))
    return means, best, policy


def mean_curve(curves: list[list[float]]) -> list[float]:
    """The mean over trials, iteration by iteration."""
    return [average(list(column)) for column in zip(*curves, strict=True)]


def report(policy: Policy) -> dict[str, object]:
    """The policy in coordinates of the function, and the true value at its mean."""
    centre = policy.act((0.0, 0.0))
    width = [high - low for low, high in zip(branin.LOWER, branin.UPPER, strict=True)]
    deviation = [w * math.exp(s) for w, s in zip(width, policy.log_deviation, strict=True)]
    return {"mean": centre, "deviation": deviation, "value_at_mean": branin.branin(*centre)}


def main() -> None:
    """Train one agent per trial, each from a candidate point drawn by the seed."""
    parser = reporting.arguments(__doc__)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    points = branin.candidates(options.data)
    unit = (points - np.array(branin.LOWER)) / (np.array(branin.UPPER) - np.array(branin.LOWER))
    runs = []
    for trial in range(TRIALS):
        stream = np.random.default_rng([options.seed, trial])
        x1, x2 = unit[stream.integers(len(unit))].tolist()
        runs.append(train((x1, x2), stream))
    curve = {
        "mean_value": mean_curve([means for means, _, _ in runs]),
        "best_so_far": mean_curve([best for _, best, _ in runs]),
    }
    policies = [report(policy) for _, _, policy in runs]
    reporting.write(options.out, {"learning_curve": curve, "final_policy": policies})
    first, last = curve["mean_value"][0], curve["mean_value"][-1]
    print(f"mean value of a batch: {first:.4g} at first, {last:.4g} after {ITERATIONS} updates")


if __name__ == "__main__":
    main()
