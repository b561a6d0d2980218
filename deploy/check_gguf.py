#!/usr/bin/env python3
"""Checks a GGUF adapter that Shoal exported against the PEFT adapter of the same run, with the gguf package as reader.

usage: check_gguf.py FILE.gguf ADAPTER_DIR MODEL_DIR     (MODEL_DIR: the base model's, for its config.json)
needs: pip install gguf safetensors numpy

Names come from gguf's own tensor map. Every tensor must be the PEFT adapter's within float32: A as it is, B with the
rows of Llama's queries and keys in llama.cpp's order (rotary pairs side by side), and times what the file's one alpha
leaves of the layer's scale. What the file says of its run must be what the adapter's model card says.
"""
import json, math, pathlib, re, sys

import gguf
import numpy as np
from safetensors.numpy import load_file

ARCHITECTURES = {
    "llama": gguf.MODEL_ARCH.LLAMA, "mistral": gguf.MODEL_ARCH.LLAMA, "qwen2": gguf.MODEL_ARCH.QWEN2,
    "qwen3": gguf.MODEL_ARCH.QWEN3, "gemma": gguf.MODEL_ARCH.GEMMA, "gemma3_text": gguf.MODEL_ARCH.GEMMA3,
    "phi": gguf.MODEL_ARCH.PHI2, "phi3": gguf.MODEL_ARCH.PHI3, "gpt2": gguf.MODEL_ARCH.GPT2,
}


def permuted(b, heads):
    """Rows as LlamaModel.permute in llama.cpp's converter puts them."""
    return b.reshape(heads, 2, b.shape[0] // heads // 2, b.shape[1]).swapaxes(1, 2).reshape(b.shape)


def layers(adapter):
    """Each adapted layer's name, A, B, and the alpha that gives its scale when divided by its rank."""
    config = json.load(open(f"{adapter}/adapter_config.json"))
    tensors = load_file(f"{adapter}/adapter_model.safetensors")
    for name in sorted(tensors):
        if not name.endswith(".lora_A.weight"):
            continue
        layer = name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
        a = tensors[name].astype(np.float32)
        b = tensors[name.replace(".lora_A.", ".lora_B.")].astype(np.float32)
        matching = (key for key in config["alpha_pattern"] if re.match(rf"(.*\.)?({key})$", layer))
        alpha = config["alpha_pattern"].get(next(matching, None), config["lora_alpha"])
        yield layer, a, b, alpha * math.sqrt(a.shape[0]) if config["use_rslora"] else alpha


def architecture(config):
    return ARCHITECTURES[config["model_type"]]


def converted(adapter, config):
    """Tensor name in llama.cpp -> A, B, alpha."""
    names = gguf.get_tensor_name_map(architecture(config), config.get("num_hidden_layers") or config["n_layer"])
    result = {}
    for layer, a, b, alpha in layers(adapter):
        if architecture(config) == gguf.MODEL_ARCH.LLAMA:
            if layer.endswith("q_proj"):
                b = permuted(b, config["num_attention_heads"])
            if layer.endswith("k_proj"):
                b = permuted(b, config.get("num_key_value_heads") or config["num_attention_heads"])
        result[names.get_name(layer) + ".weight"] = (a, b, alpha)
    return result


def cell(card, name):
    """The value of a row of the model card's tables, without its font."""
    row = re.search(rf"^\| {re.escape(name)} \| (.*) \|$", card, re.M)
    return row and row[1].strip("`")


def main():
    path, adapter, model = sys.argv[1:4]
    config = json.load(open(f"{model}/config.json"))
    reader = gguf.GGUFReader(path)
    types = gguf.GGUFValueType
    failures = []

    def metadata(key, kind, value=None):
        field = reader.get_field(key)
        if field is None or field.types != [kind]:
            failures.append(f"{key} is {'missing' if field is None else field.types}, not {kind.name}")
        elif value is not None and field.contents() != value:
            failures.append(f"{key} is {field.contents()!r}, not {value!r}")
        return None if field is None else field.contents()

    metadata("general.type", types.STRING, "adapter")
    metadata("general.architecture", types.STRING, gguf.MODEL_ARCH_NAMES[architecture(config)])
    metadata("adapter.type", types.STRING, "lora")
    metadata("general.file_type", types.UINT32, int(gguf.LlamaFileType.ALL_F32))
    metadata("general.quantization_version", types.UINT32, gguf.GGML_QUANT_VERSION)
    alpha = metadata("adapter.lora.alpha", types.FLOAT32)

    card = pathlib.Path(adapter, "README.md").read_text()
    metadata("shoal.run", types.STRING, cell(card, "run"))
    metadata("shoal.round", types.UINT32, int(cell(card, "round")))
    metadata("shoal.base_model.identity", types.STRING, cell(card, "base model's identity"))
    metadata("shoal.record.hash", types.STRING, cell(card, "its hash"))
    if cell(card, "workers that gave updates"):
        for key, kind, row in (("shoal.workers", types.UINT32, "workers that gave updates"),
                               ("shoal.updates", types.UINT32, "updates"),
                               ("shoal.tokens_trained", types.UINT64, "tokens trained on")):
            # Owners may withhold their tokens: the number, where there is one, comes first.
            number = cell(card, row).split()[0].replace(",", "")
            if number != "withheld":
                metadata(key, kind, int(number))
            elif reader.get_field(key):
                failures.append(f"{key} tells what is withheld")
    else:
        metadata("shoal.participation", types.STRING, cell(card, "workers"))
        for key in ("shoal.workers", "shoal.updates", "shoal.tokens_trained"):
            if reader.get_field(key):
                failures.append(f"{key} tells what is secret")
    sentences = re.search(r"## Privacy\n\n((?:- .*\n)+)", card)[1].splitlines()
    metadata("shoal.privacy", types.STRING, " ".join(line.removeprefix("- ").replace("\\", "") for line in sentences))

    expected = {}
    for name, (a, b, own) in converted(adapter, config).items():
        expected[name + ".lora_a"] = a.astype(np.float64)
        expected[name + ".lora_b"] = b.astype(np.float64) * (own / alpha)
    found = {tensor.name: tensor for tensor in reader.tensors}
    for name in sorted(expected.keys() ^ found.keys()):
        failures.append(f"{name} is in one of the two alone")
    worst = 0.0
    for name in expected.keys() & found.keys():
        tensor = found[name]
        if tensor.tensor_type != gguf.GGMLQuantizationType.F32 or tensor.data.shape != expected[name].shape:
            failures.append(f"{name}: {tensor.tensor_type.name} {tensor.data.shape}, not F32 {expected[name].shape}")
            continue
        scale = np.maximum(np.abs(expected[name]), np.finfo(np.float32).tiny)
        error = float(np.max(np.abs(tensor.data.astype(np.float64) - expected[name]) / scale))
        worst = max(worst, error)
        if error > 2**-22:
            failures.append(f"{name}: values differ by up to {error:.3g} of themselves")
    for failure in failures:
        print("FAILED:", failure)
    if not failures:
        print(f"{path}: {len(found)} tensors agree with {adapter}, largest relative error {worst:.3g}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
