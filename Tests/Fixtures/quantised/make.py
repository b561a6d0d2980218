"""Makes nf4.safetensors: a matrix quantised by bitsandbytes (0.50) and NF4's definition by normal quantiles.

    python make.py      # needs numpy, torch, bitsandbytes, safetensors

`values`: the sixteen numbers from QLoRA's definition (arXiv:2305.14314, section 3): quantiles of the standard normal
distribution at evenly spaced probabilities, eight on the positive side, seven on the negative, zero between, divided by
the largest. `map`: bitsandbytes' signed 8-bit map. The rest: `source` (101, 192) as bitsandbytes quantises it in blocks
of 64 with compressed statistics, and what it computes back.
"""

import os
from statistics import NormalDist

import numpy as np
import torch
from bitsandbytes import functional
from safetensors.numpy import save_file


def normal_quantiles():
    # The outermost probability, between those of 15 and 16 values.
    offset = 0.5 * ((1 - 1 / (2 * 15)) + (1 - 1 / (2 * 16)))
    inverse = NormalDist().inv_cdf
    positive = [inverse(p) for p in np.linspace(offset, 0.5, 9)[:-1]]
    negative = [-inverse(p) for p in np.linspace(offset, 0.5, 8)[:-1]]
    numbers = np.array(sorted(positive + [0.0] + negative))
    return numbers / numbers.max()


def main():
    torch.manual_seed(5)
    source = torch.randn(101, 192) * torch.rand(101, 1).exp() * 0.02
    source[3, :64] = 0
    codes, state = functional.quantize_4bit(source, blocksize=64, quant_type="nf4", compress_statistics=True)
    back = functional.dequantize_4bit(codes, state)
    tensors = {
        "values": normal_quantiles().astype(np.float32),
        "map": state.state2.code.numpy(),
        "source": source.numpy(),
        "codes": codes.reshape(101, 96).numpy(),
        "absmax": state.absmax.reshape(101, 3).numpy(),
        "scales": state.state2.absmax.numpy(),
        "offset": state.offset.reshape(1).numpy(),
        "dequantised": back.reshape(101, 192).float().numpy(),
    }
    save_file(tensors, os.path.join(os.path.dirname(os.path.abspath(__file__)), "nf4.safetensors"))


main()
