"""Writes this folder's fixtures with the reference implementation (Python safetensors). Run in this folder."""
import json
import os

import torch
from safetensors.torch import save_file

# float32 only, names out of order, awkward names and metadata: what Shoal's writer must reproduce byte for byte.
save_file(
    {
        "b.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4 - 1,
        "a.weight": torch.tensor([[1.5, -0.0], [float("inf"), 1e-40]]),
        'odd "name"\\\t\x01\x7fü🦈': torch.tensor([3.25]),
        "scalar": torch.tensor(-7.0),
    },
    "float32.safetensors",
    metadata={"format": "pt"},
)
save_file({"x": torch.tensor([1.0, 2.0])}, "without_metadata.safetensors")

# Every float type that is read, with the float32 bits that PyTorch converts it to.
values = [0.0, -0.0, 1.0, -2.5, 65504.0, 6e-8, 6.2e-5, 0.1, float("inf"), -float("inf"), 3.14159274]
mixed = {
    "f32": torch.tensor(values),
    "f16": torch.tensor(values).to(torch.float16),
    "bf16": torch.tensor(values).to(torch.bfloat16),
}
save_file({**mixed, "ids": torch.arange(3), "flag": torch.tensor([True])}, "mixed.safetensors")
bits = {name: [v & 0xFFFFFFFF for v in t.float().view(torch.int32).tolist()] for name, t in mixed.items()}
json.dump(bits, open("mixed_float32_bits.json", "w"))

# A checkpoint in two shards.
os.makedirs("sharded", exist_ok=True)
shards = {
    "model-00001-of-00002.safetensors": {"embed": torch.ones(2, 2), "norm": torch.tensor([0.5, 0.25])},
    "model-00002-of-00002.safetensors": {"head": torch.full((2, 2), 2.0)},
}
for name, tensors in shards.items():
    save_file(tensors, "sharded/" + name, metadata={"format": "pt"})
index = {"metadata": {"total_size": 40}, "weight_map": {t: n for n, ts in shards.items() for t in ts}}
json.dump(index, open("sharded/model.safetensors.index.json", "w"), indent=2)
