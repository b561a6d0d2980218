#!/usr/bin/env python3
"""Writes PEFT adapters of the other fixtures as GGUF files, with the gguf package's own writer and tensor names.

usage: make.py     (needs gguf, safetensors, numpy; writes beside itself)

Metadata in a fixed order, tensors ascending by PEFT's layer names, A before B: equal adapters give equal bytes.
"""
import collections, json, pathlib, sys

import gguf
import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "deploy"))
import check_gguf

ARCHITECTURES = HERE.parent / "architectures"
CASES = {name: (ARCHITECTURES / name / "adapter", ARCHITECTURES / name)
         for name in ["llama", "mistral-window", "qwen2", "qwen3", "gemma", "gemma3", "phi", "phi3", "gpt2"]}
# Other ranks, alphas and scalings, on models of the same shape as the llama case's.
for name in ["patterns", "rslora"]:
    CASES[name] = (HERE.parent / "peft/targets" / name, HERE)

for name, (adapter, model) in CASES.items():
    config = json.load(open(model / "config.json"))
    tensors = check_gguf.converted(str(adapter), config)
    counts = collections.Counter(float(alpha) for _, _, alpha in tensors.values())
    alpha = max(counts, key=lambda value: (counts[value], value))
    writer = gguf.GGUFWriter(HERE / f"{name}.gguf", gguf.MODEL_ARCH_NAMES[check_gguf.architecture(config)])
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    for tensor, (a, b, own) in tensors.items():
        writer.add_tensor(tensor + ".lora_a", np.ascontiguousarray(a))
        b = b if own == alpha else (b.astype(np.float64) * (np.float32(own) / np.float64(np.float32(alpha))))
        writer.add_tensor(tensor + ".lora_b", np.ascontiguousarray(b.astype(np.float32)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
