"""Writes decompositions.json: singular values by numpy (LAPACK), and a mean of products with its best approximations.

    python3 make.py
"""
import json
import pathlib

import numpy as np

rng = np.random.default_rng(20)


def matrix(name, values):
    values = np.asarray(values, dtype=np.float64)
    return {
        "name": name,
        "rows": values.shape[0],
        "columns": values.shape[1],
        "rowMajor": values.ravel().tolist(),
        "singularValues": np.linalg.svd(values, compute_uv=False).tolist(),
    }


tall = rng.normal(size=(9, 4))
left, _ = np.linalg.qr(rng.normal(size=(6, 6)))
right, _ = np.linalg.qr(rng.normal(size=(6, 6)))
matrices = [
    matrix("tall", tall),
    matrix("wide", tall.T),
    matrix("square", rng.normal(size=(7, 7))),
    matrix("graded", left * 10.0 ** -np.arange(0, 12, 2) @ right),
    matrix("rank 2 of 6", rng.normal(size=(6, 2)) @ rng.normal(size=(2, 6))),
    matrix("equal singular values", left @ right),
    matrix("one row", rng.normal(size=(1, 5))),
    matrix("zero", np.zeros((3, 2))),
]

# Three workers of ranks 1, 2 and 4 on a layer of 5 outputs and 6 inputs, with their own scales and weights.
outputs, inputs, alpha = 5, 6, 8
workers, mean, total = [], np.zeros((outputs, inputs)), 0.0
for rank, weight in [(1, 3.0), (2, 1.0), (4, 2.0)]:
    a = rng.normal(size=(rank, inputs)).astype(np.float32).astype(np.float64)
    b = rng.normal(size=(outputs, rank)).astype(np.float32).astype(np.float64)
    workers.append({"rank": rank, "weight": weight, "a": a.ravel().tolist(), "b": b.ravel().tolist()})
    mean += weight * alpha / rank * b @ a
    total += weight
mean /= total
u, s, vt = np.linalg.svd(mean, full_matrices=False)
best = {str(rank): (u[:, :rank] * s[:rank] @ vt[:rank]).ravel().tolist() for rank in range(1, 6)}

document = {
    "matrices": matrices,
    "product": {
        "outputs": outputs, "inputs": inputs, "alpha": alpha, "workers": workers,
        "mean": mean.ravel().tolist(), "best": best,
    },
}
path = pathlib.Path(__file__).with_name("decompositions.json")
path.write_text(json.dumps(document, indent=1) + "\n")
