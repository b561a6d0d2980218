#!/usr/bin/env python3
"""What the sampled Gaussian mechanism costs, computed without Shoal.

usage: make.py > accountants.json   (needs mpmath and dp-accounting; a few minutes)

`divergences`: the Rényi divergence of one step, by numerical integration with 30 digits. `epsilons`: epsilon after all
steps by dp-accounting's privacy loss distributions (PLD), and by its Rényi accountant at the best of its orders.
"""
import json

import mpmath
from dp_accounting import dp_event, pld, rdp

mpmath.mp.dps = 30


def divergence(rate, noise, order):
    """ln(integral of N(z; 0, s^2) (1 - q + q exp((2z - 1) / 2s^2))^order dz) / (order - 1)."""
    q, s = mpmath.mpf(rate), mpmath.mpf(noise)

    def integrand(z):
        ratio = 1 - q + q * mpmath.exp((2 * z - 1) / (2 * s * s))
        return mpmath.npdf(z, 0, s) * ratio ** mpmath.mpf(order)

    reach = 12 * s
    places = sorted({-reach, mpmath.mpf(0), mpmath.mpf(order) / 2, mpmath.mpf(order), order + reach}
                    | {mpmath.mpf(order) * i / 16 for i in range(17)} | {order + reach * i / 8 for i in range(9)}
                    | {-reach * i / 8 for i in range(9)})
    return float(mpmath.log(mpmath.quad(integrand, places)) / (order - 1))


def epsilons(rate, noise, steps, delta):
    event = dp_event.GaussianDpEvent(noise)
    if rate < 1:
        event = dp_event.PoissonSampledDpEvent(rate, event)
    loss, renyi = pld.PLDAccountant(), rdp.RdpAccountant()
    loss.compose(event, steps)
    renyi.compose(event, steps)
    return {"rate": rate, "noise": noise, "steps": steps, "delta": delta, "pld": loss.get_epsilon(delta),
            "rdp": renyi.get_epsilon(delta)}


divergences = [
    {"rate": rate, "noise": noise, "order": order, "divergence": divergence(rate, noise, order)}
    for rate in (0.001, 0.01, 0.1, 0.5, 1) for noise in (0.5, 0.8, 1.3, 2.5, 6)
    for order in (1.1, 1.5, 2, 2.5, 5, 9.7, 50)
]
settings = [
    (rate, noise, steps, delta)
    for rate, noise in ((0.001, 0.6), (0.001, 1), (0.0025, 1.3), (0.01, 0.7), (0.01, 2.5), (0.04, 1.5), (0.1, 0.8),
                        (0.1, 3), (0.3, 2), (0.5, 5), (1, 0.7), (1, 4.530877117))
    for steps, delta in ((1, 1e-5), (20, 1e-6), (120, 1e-5), (1000, 1e-6), (6000, 1e-5))
    if steps < 1000 or rate < 0.5 or (steps == 1000 and noise > 1)  # dp-accounting takes minutes for the others
] + [(0.001, 1, 30000, 1e-7), (1, 0.7, 2, 1e-5), (0.04, 1.5, 2250, 1e-5), (1, 4.530877117, 1, 1e-6),
     (0.01, 1, 200, 1e-8)]
print(json.dumps({"divergences": divergences, "epsilons": [epsilons(*setting) for setting in settings]}, indent=1))
