#!/usr/bin/env python3
"""What an audit concludes, computed without Shoal.

usage: make.py > audits.json   (needs numpy and scipy)

`bounds`: the one-run lower bound on epsilon as Steinke, Nasr, Jagielski (arXiv:2305.08846) print it in appendix D.
`curves`: area under the ROC curve as the Mann-Whitney statistic, true positive rates by trying every threshold.
`spreads`: numpy's own statistics.
"""
import json
import math

import numpy as np
import scipy.stats

rng = np.random.default_rng(61)


def p_value(m, r, v, eps, delta):
    q = 1 / (1 + math.exp(-eps))
    beta = scipy.stats.binom.sf(v - 1, r, q)
    alpha, total = 0, 0
    for i in range(1, v + 1):
        total += scipy.stats.binom.pmf(v - i, r, q)
        alpha = max(alpha, total / i)
    return min(1, beta + alpha * delta * 2 * m)


def bound(m, r, v, delta, p):
    low, high = 0, 1
    if p_value(m, r, v, 0, delta) >= p:
        return 0.0
    while p_value(m, r, v, high, delta) < p and high < 1000:
        high += 1
    for _ in range(50):
        middle = (low + high) / 2
        if p_value(m, r, v, middle, delta) < p:
            low = middle
        else:
            high = middle
    return low


def bounds():
    rows = [(50, 50, 50, 0.0, 0.05), (100, 100, 100, 0.0, 0.05), (1000, 1000, 1000, 0.0, 0.05)]
    for m, r in ((100, 100), (100, 20), (1000, 300), (4000, 4000)):
        for part in (0.4, 0.55, 0.7, 0.85, 0.99):
            for delta in (0.0, 1e-5, 1e-3):
                rows.append((m, r, int(part * r), delta, 0.05))
    rows.append((500, 250, 220, 1e-6, 0.01))
    return [{"canaries": m, "guesses": r, "correct": v, "delta": d, "failure": p, "epsilon": bound(m, r, v, d, p)}
            for m, r, v, d, p in rows]


def curve(members, others):
    area = scipy.stats.mannwhitneyu(members, others).statistic / (len(members) * len(others))

    def rate(limit):
        thresholds = np.concatenate((members, others, [np.inf]))
        return max(float(np.mean(members >= t)) for t in thresholds if np.mean(others >= t) <= limit + 1e-12)

    return {"members": members.tolist(), "others": others.tolist(), "area": float(area),
            "rates": [{"at": limit, "rate": rate(limit)} for limit in (0.0, 0.001, 0.01, 0.1, 0.5, 1.0)]}


def curves():
    yield curve(rng.normal(0.7, 1, 150).round(3), rng.normal(0, 1, 230).round(3))
    yield curve(rng.integers(0, 6, 40).astype(float), rng.integers(0, 5, 30).astype(float))  # Many ties.
    yield curve(np.array([2.0, 3.0]), np.array([1.0]))
    yield curve(np.array([0.0]), np.array([1.0, 1.0]))
    yield curve(rng.normal(0, 1, 60).round(3), rng.normal(0, 1, 1500).round(3))


def spread(losses):
    worst = np.sort(losses)[-math.ceil(len(losses) / 10):]
    return {"losses": losses.tolist(), "mean": float(np.mean(losses)), "median": float(np.median(losses)),
            "deviation": float(np.std(losses, ddof=1)) if len(losses) > 1 else 0.0,
            "worstDecile": float(worst.mean()), "worst": float(losses.max()), "best": float(losses.min())}


print(json.dumps({
    "bounds": bounds(), "curves": list(curves()),
    "spreads": [spread(rng.gamma(4, 0.5, size).round(4)) for size in (1, 2, 7, 10, 11, 57)],
}, indent=1))
