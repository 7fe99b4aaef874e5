from __future__ import annotations

import math

import numpy as np
import policy_gradient
import pytest
from bayesopt.branin import LOWER, UPPER
from policy_gradient import Policy


def test_the_update_is_the_natural_gradient_of_the_expected_reward() -> None:
    """Over many draws, the step on the reward -(u - 0.5)^2 is the closed form of its natural gradient."""
    policy = Policy(mean=(0.3, 0.3), log_deviation=(math.log(0.1), math.log(0.1)))
    normals = [(a, b) for a, b in np.random.default_rng(0).standard_normal((200_000, 2)).tolist()]
    rewards = [-((0.3 + 0.1 * a - 0.5) ** 2) for a, _ in normals]
    stepped = policy.improved(normals, rewards)
    # E[-(m + s z - c)^2] = -(m - c)^2 - s^2: natural slopes s^2 * 2 (c - m) in m and -s^2 in log s.
    assert stepped.mean[0] - 0.3 == pytest.approx(policy_gradient.MEAN_RATE * 0.1**2 * 2 * 0.2, rel=0.05)
    widening = stepped.log_deviation[0] - math.log(0.1)
    assert widening == pytest.approx(-policy_gradient.DEVIATION_RATE * 0.1**2, rel=0.05)


def test_no_action_leaves_the_box() -> None:
    """Whatever is drawn, the function is asked inside its box."""
    policy = Policy(mean=(0.5, 0.5), log_deviation=(0.0, 0.0))
    assert policy.act((99.0, -99.0)) == (UPPER[0], LOWER[1])


def test_training_lowers_the_value() -> None:
    """After training, the mean of a batch is far below that of the first."""
    means, best, _ = policy_gradient.train((0.5, 0.5), np.random.default_rng(0))
    assert means[-1] < 0.2 * means[0]
    assert best == sorted(best, reverse=True)


def test_equal_rewards_teach_nothing() -> None:
    """A batch without differences leaves the policy where it is."""
    policy = Policy(mean=(0.2, 0.8), log_deviation=(-1.0, -2.0))
    advantages = policy_gradient.standardised([3.0, 3.0])
    assert policy.improved([(1.0, 2.0), (0.5, -1.0)], advantages) == policy
