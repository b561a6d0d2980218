#!/usr/bin/env python3
"""What transformers says of the shapes that `shoal bench` knows: parameters, and a hash over names and shapes.

usage: make.py > shapes.json   (needs torch and transformers; no weights are made)
"""
import hashlib
import json

import torch
from transformers import (BertConfig, BertForSequenceClassification, LlamaConfig, LlamaForCausalLM, Qwen2Config,
                          Qwen2ForCausalLM)


def llama(hidden, layers, heads, kv, intermediate, vocabulary, tied=True):
    return LlamaForCausalLM, LlamaConfig(
        hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=kv,
        intermediate_size=intermediate, vocab_size=vocabulary, tie_word_embeddings=tied)


SHAPES = {
    "smollm2-135m": llama(576, 30, 9, 3, 1536, 49152),
    "smollm2-360m": llama(960, 32, 15, 5, 2560, 49152),
    "qwen2.5-0.5b": (Qwen2ForCausalLM, Qwen2Config(
        hidden_size=896, num_hidden_layers=24, num_attention_heads=14, num_key_value_heads=2, intermediate_size=4864,
        vocab_size=151936, tie_word_embeddings=True)),
    "tinyllama-1.1b": llama(2048, 22, 32, 4, 5632, 32000, tied=False),
    "minilm-l6": (BertForSequenceClassification, BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536, vocab_size=30522,
        num_labels=2)),
    "stories260k": llama(64, 5, 8, 4, 172, 512),
    "tiny": llama(128, 4, 4, 2, 384, 2048),
}

result = {}
for name, (kind, config) in SHAPES.items():
    with torch.device("meta"):
        model = kind(config)
    tensors = {key: list(value.shape) for key, value in model.named_parameters()}  # a tied head stands once
    listing = "".join(f"{key} {'x'.join(map(str, tensors[key]))}\n" for key in sorted(tensors))
    result[name] = {
        "parameters": sum(value.numel() for value in model.parameters()),
        "listing": hashlib.sha256(listing.encode()).hexdigest(),
    }
print(json.dumps(result, indent=2))
