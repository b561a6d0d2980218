"""Writes rules.json: what each robust rule, by its paper's definition in numpy, makes of a few updates.

    python3 make.py
"""
import itertools
import json
import pathlib

import numpy as np

rng = np.random.default_rng(23)


def squared(x):
    return ((x[:, None, :] - x[None, :, :]) ** 2).sum(-1)


def mean(x, f):
    return x.mean(0)


def median(x, f):
    return np.median(x, axis=0)


def trimmed_mean(x, f):
    return np.sort(x, axis=0)[f:len(x) - f].mean(0)


def krum_scores(x, f):
    neighbours = max(1, len(x) - f - 2)
    return np.array([np.sort(np.delete(row, i))[:neighbours].sum() for i, row in enumerate(squared(x))])


def krum_order(x, f):
    """The shorter of two with the same score first."""
    return np.lexsort(((x ** 2).sum(1), krum_scores(x, f)))


def krum(x, f):
    return x[krum_order(x, f)[0]]


def multi_krum(x, f):
    return x[krum_order(x, f)[:len(x) - f - 2]].mean(0)


def bulyan(x, f):
    left, chosen = list(range(len(x))), []
    while len(chosen) < len(x) - 2 * f:
        chosen.append(left.pop(krum_order(x[left], f)[0]))
    y = x[chosen]
    kept = len(y) - 2 * f
    middle = np.median(y, axis=0)
    nearest = np.argsort(abs(y - middle), axis=0, kind="stable")[:kept]
    return np.take_along_axis(y, nearest, axis=0).mean(0)


def geometric_median(x, f):
    v = x.mean(0)
    for _ in range(100_000):
        w = 1 / np.maximum(1e-12, np.linalg.norm(x - v, axis=1))
        v = (w[:, None] * x).sum(0) / w.sum()
    return v


def centred_clipping(x, f):
    v = np.zeros(x.shape[1])
    for _ in range(20):
        distances = np.linalg.norm(x - v, axis=1)
        v = v + ((x - v) * np.minimum(1, np.median(distances) / distances)[:, None]).mean(0)
    return v


def norm_bound(x, f):
    norms = np.linalg.norm(x, axis=1)
    return x * np.minimum(1, np.median(norms) / norms)[:, None]


def arc(x, f):
    norms = np.linalg.norm(x, axis=1)
    bound = np.sort(norms)[::-1][int(np.floor(2 * f / len(x) * (len(x) - f)))]
    return x * np.minimum(1, bound / norms)[:, None]


def nnm(x, f):
    order = np.argsort(squared(x), axis=1, kind="stable")[:, :len(x) - f]
    return x[order].mean(1)


before = {"norm-bound": norm_bound, "arc": arc, "nnm": nnm}
rules = {
    "mean": mean, "median": median, "trimmed-mean": trimmed_mean, "krum": krum, "multi-krum": multi_krum,
    "bulyan": bulyan, "geometric-median": geometric_median, "centred-clipping": centred_clipping,
}


def case(name, x, f):
    chains = [[rule] for rule in rules]
    for count in (1, 2):
        chains += [[*start, rule] for start in itertools.permutations(before, count) for rule in ("mean", "trimmed-mean")]
    chains += [["nnm", "krum"], ["arc", "bulyan"], ["arc", "nnm", "geometric-median"]]
    results = []
    for chain in chains:
        y = x
        for link in chain[:-1]:
            y = before[link](y, f)
        results.append({"chain": chain, "result": [round(float(v), 9) for v in rules[chain[-1]](y, f)]})
    return {"name": name, "f": f, "updates": x.tolist(), "results": results}


def draw(n, d, bad, shift):
    x = rng.normal(size=(n, d)) + rng.normal(size=d)
    x[:bad] = shift * x[:bad] + 3
    rng.shuffle(x)
    return np.round(x * 64) / 64  # Exact in float32.


cases = [
    case("eleven, two of them bad", draw(11, 19, 2, -8), 2),
    case("seven, one of them bad", draw(7, 16, 1, 20), 1),
    case("ten, none", draw(10, 5, 0, 1), 0),
]
path = pathlib.Path(__file__).with_name("rules.json")
path.write_text(json.dumps(cases, separators=(",", ":")) + "\n", encoding="utf-8")
