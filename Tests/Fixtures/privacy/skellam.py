#!/usr/bin/env python3
"""What Skellam noise is and costs, computed without Shoal: by summing its probabilities e^-v I_k(v) (Bessel functions).

usage: skellam.py > skellam.json   (needs mpmath, numpy and dp-accounting; a few minutes)

`divergences`: the Renyi divergence of whole order between noise of this variance around the integers `shift` and around
0, value by value, with 40 digits. `epsilons`: epsilon of that after all steps, by dp-accounting's composition of the two
probability functions. `probabilities`: those of -reach ... reach. `tails`: P(|X| >= reach).
"""
import json

import mpmath
import numpy
from dp_accounting.pld import privacy_loss_distribution

mpmath.mp.dps = 40


def probabilities(variance, reach):
    """e^-v I_k(v) for k = 0 ... reach, by Miller's backward recurrence I_(k-1) = I_(k+1) + (2k/v) I_k."""
    v, start = mpmath.mpf(variance), reach + 60
    values = [mpmath.mpf(0)] * (start + 2)
    values[start] = mpmath.mpf(10) ** -300
    for k in range(start, 0, -1):
        values[k - 1] = values[k + 1] + 2 * k / v * values[k]
    # e^v = I_0 + 2 (I_1 + I_2 + ...)
    total = values[0] + 2 * sum(values[1:])
    return [value / total for value in values[:reach + 1]]


def divergence(variance, shift, order):
    total = mpmath.mpf(0)
    for one in {abs(s) for s in shift if s}:
        reach = int(order * one + 30 * variance ** 0.5 + 60)
        p = probabilities(variance, reach + one)
        moment = sum(p[abs(k - one)] ** order * p[abs(k)] ** (1 - order) for k in range(-reach, reach + 1))
        total += mpmath.log(moment) / (order - 1) * sum(abs(s) == one for s in shift)
    return float(total)


def epsilon(variance, shift, steps, delta):
    reach = int(30 * variance ** 0.5 + 60)
    p = probabilities(variance, reach + shift)
    upper = {k: float(mpmath.log(p[abs(k)])) for k in range(-reach, reach + 1)}
    lower = {k: float(mpmath.log(p[abs(k - shift)])) for k in range(-reach, reach + 1)}
    loss = privacy_loss_distribution.from_two_probability_mass_functions(
        lower, upper, value_discretization_interval=1e-3)
    return float(loss.self_compose(steps).get_epsilon_for_delta(delta))


def tail(variance, reach):
    far = probabilities(variance, reach + int(40 * variance ** 0.5) + 60)
    return float(mpmath.log(2 * sum(far[reach:]), 2))


divergences = [
    {"variance": variance, "shift": shift, "order": order, "divergence": divergence(variance, shift, order)}
    for variance, shift in ((1, [1]), (4, [1]), (4, [3]), (25, [1]), (25, [5]), (100, [10]), (100, [3, -2, 1, 0, 5]),
                            (400, [20]), (400, [1] * 100), (900, [12, -12, 7, 1]), (2500, [100]))
    for order in (2, 3, 5, 9, 20)
]
epsilons = [
    {"variance": variance, "shift": shift, "steps": steps, "delta": delta,
     "epsilon": epsilon(variance, shift, steps, delta)}
    for variance, shift, steps, delta in ((400, 5, 1, 1e-5), (400, 5, 20, 1e-6), (2500, 100, 1, 1e-5),
                                          (2500, 100, 4, 1e-5), (10000, 25, 100, 1e-6), (900, 45, 2, 1e-5))
]
print(json.dumps({
    "divergences": divergences, "epsilons": epsilons,
    "probabilities": [
        {"variance": variance, "probabilities": [float(p[abs(k)]) for k in range(-len(p) + 1, len(p))]}
        for variance in (0.5, 6, 30, 300)
        for p in [probabilities(variance, int(7 * variance ** 0.5) + 6)]],
    "tails": [{"variance": variance, "reach": reach, "bits": -tail(variance, reach)}
              for variance, reach in ((2, 12), (50, 60), (400, 90), (400, 240), (10000, 1100))],
}, indent=1))
