#!/usr/bin/env python3
"""How fast PyTorch with PEFT fine-tunes a model of a known shape on this machine's CPU.

The work is that of `shoal bench train`: random weights, random tokens, LoRA on every linear layer but the head,
AdamW at 1e-4, a first step that is not timed. Prints one line of JSON.

needs: torch, transformers, peft
"""
import argparse
import json
import math
import statistics
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import (BertConfig, BertForSequenceClassification, LlamaConfig, LlamaForCausalLM, Qwen2Config,
                          Qwen2ForCausalLM)

LABELS = 2


def llama(**sizes):
    return LlamaForCausalLM, LlamaConfig(use_cache=False, **sizes), "CAUSAL_LM"


SHAPES = {
    "smollm2-135m": lambda: llama(
        hidden_size=576, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3, intermediate_size=1536,
        vocab_size=49152, max_position_embeddings=8192, tie_word_embeddings=True),
    "smollm2-360m": lambda: llama(
        hidden_size=960, num_hidden_layers=32, num_attention_heads=15, num_key_value_heads=5, intermediate_size=2560,
        vocab_size=49152, max_position_embeddings=8192, tie_word_embeddings=True),
    "qwen2.5-0.5b": lambda: (Qwen2ForCausalLM, Qwen2Config(
        hidden_size=896, num_hidden_layers=24, num_attention_heads=14, num_key_value_heads=2, intermediate_size=4864,
        vocab_size=151936, max_position_embeddings=32768, tie_word_embeddings=True, use_cache=False), "CAUSAL_LM"),
    "tinyllama-1.1b": lambda: llama(
        hidden_size=2048, num_hidden_layers=22, num_attention_heads=32, num_key_value_heads=4, intermediate_size=5632,
        vocab_size=32000, max_position_embeddings=2048, tie_word_embeddings=False),
    "minilm-l6": lambda: (BertForSequenceClassification, BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536, vocab_size=30522,
        num_labels=LABELS), "SEQ_CLS"),
    "stories260k": lambda: llama(
        hidden_size=64, num_hidden_layers=5, num_attention_heads=8, num_key_value_heads=4, intermediate_size=172,
        vocab_size=512, max_position_embeddings=512, tie_word_embeddings=True),
    "tiny": lambda: llama(
        hidden_size=128, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2, intermediate_size=384,
        vocab_size=2048, max_position_embeddings=2048, tie_word_embeddings=True),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=SHAPES, required=True)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    for name, default in [("batch", 4), ("sequence", 256), ("rank", 8), ("threads", 2), ("steps", 6)]:
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser.parse_args()


def peak_mib():
    """VmHWM: what `shoal bench` reports, too."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))


def main():
    asked = arguments()
    torch.set_num_threads(asked.threads)
    torch.manual_seed(0)
    kind, config, task = SHAPES[asked.shape]()
    torch.set_default_dtype(getattr(torch, asked.dtype))  # so that no float32 copy is ever held
    base = kind(config)
    torch.set_default_dtype(torch.float32)
    parameters = sum(value.numel() for value in base.parameters())
    model = get_peft_model(base, LoraConfig(
        r=asked.rank, lora_alpha=2 * asked.rank, lora_dropout=0, target_modules="all-linear", task_type=task))
    model.train()  # an encoder's own dropout is on, as its configuration says
    trained = [value for value in model.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0)

    tokens = torch.randint(0, config.vocab_size, (asked.batch, asked.sequence))
    labels = tokens if task == "CAUSAL_LM" else torch.randint(0, LABELS, (asked.batch,))
    seconds, losses = [], []
    for _ in range(asked.steps):
        start = time.perf_counter()
        loss = model(input_ids=tokens, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
    if not all(math.isfinite(value) for value in losses):
        raise SystemExit(f"the loss is not finite: {losses}")

    speed = asked.batch * asked.sequence / statistics.median(seconds[1:])
    print(json.dumps(vars(asked) | {
        "parameters": parameters, "tokensPerSecond": speed, "gflops4N": 4e-9 * parameters * speed,
        "peakRssMiB": peak_mib(), "lossFirst": losses[0], "lossLast": losses[-1],
    }))


if __name__ == "__main__":
    main()
