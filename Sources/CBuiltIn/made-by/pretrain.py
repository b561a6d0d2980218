#!/usr/bin/env python3
"""Makes ../files/{config.json,tokenizer.json,model.safetensors}: a byte-level BPE tokenizer and a small Llama model,
trained from scratch on general_text.py. usage: pretrain.py [steps=4800] [seed=7] [out=../files]"""

import json
import math
import os
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

import general_text

options = dict(argument.split("=") for argument in sys.argv[1:])
steps, seed = int(options.get("steps", 4_800)), int(options.get("seed", 7))
out = Path(options.get("out", Path(__file__).parent.parent / "files"))
vocabulary, block, batch, peak_rate, warm_up = 1536, 128, 16, 4e-3, 200

torch.set_num_threads(1)
torch.manual_seed(seed)
os.nice(10)
out.mkdir(parents=True, exist_ok=True)

tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
tokenizer.decoder = decoders.ByteLevel()
tokenizer.train_from_iterator(
    general_text.texts(seed, 40_000),
    trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<|begin|>", "<|end|>"],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    ),
)
tokenizer.save(str(out / "tokenizer.json"))
begin, end = tokenizer.token_to_id("<|begin|>"), tokenizer.token_to_id("<|end|>")

model = LlamaForCausalLM(
    LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=128,
        intermediate_size=344,
        num_hidden_layers=5,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=begin,
        eos_token_id=end,
        rms_norm_eps=1e-5,
        rope_theta=10_000.0,
        attn_implementation="sdpa",
    )
)
print(
    f"{sum(parameter.numel() for parameter in model.parameters())} parameters, {tokenizer.get_vocab_size()} tokens",
    flush=True,
)


def batches():
    """Endless fresh text, packed as Shoal packs it: BOS + text + EOS, cut into blocks."""
    ids, round_number = [], 0
    while True:
        round_number += 1
        texts = list(general_text.texts(seed * 1_000 + round_number, 2_000))
        for encoded in tokenizer.encode_batch(texts, add_special_tokens=False):
            ids += [begin] + encoded.ids + [end]
        while len(ids) >= batch * block:
            yield torch.tensor(ids[: batch * block]).view(batch, block)
            ids = ids[batch * block :]


decayed = [parameter for parameter in model.parameters() if parameter.dim() > 1]
kept = [parameter for parameter in model.parameters() if parameter.dim() == 1]
optimizer = torch.optim.AdamW(
    [{"params": decayed, "weight_decay": 0.05}, {"params": kept, "weight_decay": 0.0}], lr=peak_rate, betas=(0.9, 0.98)
)
source = batches()
judged = next(source)
started = time.time()
for step, ids in zip(range(steps), source):
    rate = peak_rate * min(1, (step + 1) / warm_up) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps)))
    for group in optimizer.param_groups:
        group["lr"] = rate
    loss = model(input_ids=ids, labels=ids).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    if step % 100 == 0:
        with torch.no_grad():
            held_out = model(input_ids=judged, labels=judged).loss.item()
        print(f"step {step} loss {loss.item():.4f} held-out {held_out:.4f} {time.time() - started:.0f} s", flush=True)
print(f"{steps} steps, {steps * batch * block} tokens, {time.time() - started:.0f} s", flush=True)

model = model.to(torch.bfloat16).eval()
weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if name != "lm_head.weight"}
save_file(weights, str(out / "model.safetensors"), metadata={"format": "pt"})
(out / "model.safetensors").chmod(0o644)
config = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "attention_bias": False,
    "mlp_bias": False,
    "bos_token_id": begin,
    "eos_token_id": end,
    "head_dim": 32,
    "hidden_act": "silu",
    "hidden_size": 128,
    "intermediate_size": 344,
    "max_position_embeddings": 512,
    "num_attention_heads": 4,
    "num_hidden_layers": 5,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10_000.0,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "vocab_size": tokenizer.get_vocab_size(),
}
(out / "config.json").write_text(json.dumps(config, indent=2) + "\n")

for prompt in ["Once upon a time", "Dear", "The", "Patient reports", "Where"]:
    ids = torch.tensor([[begin] + tokenizer.encode(prompt, add_special_tokens=False).ids])
    made = model.generate(ids, do_sample=False, max_new_tokens=60, pad_token_id=end)
    print("---", tokenizer.decode(made[0].tolist()), flush=True)
