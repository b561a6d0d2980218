#!/usr/bin/env python3
"""Makes tiny random Llama models with PEFT adapters and what transformers + peft + PyTorch compute from them.

usage: make.py [OUTPUT_DIR]   (needs torch, transformers 5, peft, safetensors; computes in float64 on one thread)

Each case is a folder:
  config.json, model.safetensors (or shards)      written by save_pretrained
  adapter/adapter_config.json, adapter_model.safetensors   written by peft's save_pretrained, B not zero
  expected.safetensors, every tensor F32 (token ids too, which float32 holds exactly):
    tokens          [blocks, length]
    base_logits     [blocks, length, vocabulary]   without the adapter
    logits          [blocks, length, vocabulary]   with it
    losses          [blocks]                       mean over a block's length - 1 shifted tokens
    gradient.NAME   like NAME in adapter_model.safetensors: of the mean of `losses`
    adamw.batches   [10, blocks, length]           the batch of each step
    adamw.losses    [10]                           the loss on it before the step, starting from the saved adapter
  The ten steps: torch.optim.AdamW(lr=3e-3, weight_decay=0.01, betas 0.9 and 0.999, eps 1e-8) on all factors after
  clip_grad_norm_(1.0); no dropout.

Cases: gqa (tied head, all linear layers, blocks longer than a kernel's tiles), mha (untied, sharded, rank-stabilised,
rope_theta at the top level as transformers 4 writes it), mqa (head_dim unlike hidden / heads, BF16, q_proj and v_proj
only), biased (attention and mlp bias, F16, an adapter on lm_head too).
"""
import json, os, shutil, sys
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

torch.set_num_threads(1)

CASES = {
    "gqa": dict(
        config=dict(hidden_size=24, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4,
                    num_key_value_heads=2, vocab_size=53, tie_word_embeddings=True, rms_norm_eps=1e-5),
        adapter=dict(r=3, lora_alpha=6, target_modules="all-linear"), blocks=2, length=75),
    "mha": dict(
        config=dict(hidden_size=20, intermediate_size=33, num_hidden_layers=3, num_attention_heads=2,
                    num_key_value_heads=2, vocab_size=61, tie_word_embeddings=False, bos_token_id=None,
                    eos_token_id=[3, 4], rope_parameters=dict(rope_type="default", rope_theta=500.0)),
        adapter=dict(r=4, lora_alpha=2, target_modules="all-linear", use_rslora=True), blocks=3, length=18,
        shard="8KB", old_rope=500.0),
    "mqa": dict(
        config=dict(hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
                    num_key_value_heads=1, head_dim=12, vocab_size=67, tie_word_embeddings=True),
        adapter=dict(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"]), blocks=2, length=33,
        dtype=torch.bfloat16),
    "biased": dict(
        config=dict(hidden_size=16, intermediate_size=29, num_hidden_layers=2, num_attention_heads=2,
                    num_key_value_heads=1, head_dim=24, vocab_size=41, tie_word_embeddings=False,
                    attention_bias=True, mlp_bias=True),
        adapter=dict(r=5, lora_alpha=5, target_modules=["k_proj", "o_proj", "down_proj", "lm_head"]), blocks=2,
        length=21, dtype=torch.float16),
}


def randomise(model, generator):
    """Weights large enough that every gradient is significant."""
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=generator)
        if name.endswith("norm.weight"):
            p.data = 1 + 0.2 * noise
        elif name.endswith("bias"):
            p.data = 0.3 * noise
        else:
            p.data = noise * (0.5 if "embed" in name else 1.2 / p.shape[1] ** 0.5)


def block_losses(logits, tokens):
    return torch.stack([
        torch.nn.functional.cross_entropy(l[:-1], t[1:]) for l, t in zip(logits, tokens)])


def make(name, case, directory, generator):
    config = LlamaConfig(max_position_embeddings=128, attn_implementation="sdpa", **case["config"])
    model = LlamaForCausalLM(config)
    randomise(model, generator)
    model = model.to(case.get("dtype", torch.float32))
    shutil.rmtree(directory, ignore_errors=True)
    model.save_pretrained(directory, **({"max_shard_size": case["shard"]} if "shard" in case else {}))
    os.remove(directory + "/generation_config.json")
    if "old_rope" in case:
        with open(directory + "/config.json") as f:
            written = json.load(f)
        del written["rope_parameters"]
        written["rope_theta"] = case["old_rope"]
        written["rope_scaling"] = None
        with open(directory + "/config.json", "w") as f:
            json.dump(written, f, indent=2)

    model = LlamaForCausalLM.from_pretrained(directory, dtype=torch.float32)
    tuned = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **case["adapter"]))
    for key, p in tuned.named_parameters():
        if "lora_" in key:
            p.data = torch.randn(p.shape, generator=generator) * (1 / p.shape[1] ** 0.5 if "lora_A" in key else 0.3)
    tuned.save_pretrained(directory + "/adapter", save_embedding_layers=False)
    os.remove(directory + "/adapter/README.md")
    config_path = directory + "/adapter/adapter_config.json"
    with open(config_path) as f:
        written = json.load(f)
    written["base_model_name_or_path"] = name
    with open(config_path, "w") as f:
        json.dump(written, f, indent=2, sort_keys=True)

    base = LlamaForCausalLM.from_pretrained(directory, dtype=torch.float32).double().eval()
    vocabulary, shape = config.vocab_size, (case["blocks"], case["length"])
    tokens = torch.randint(0, vocabulary, shape, generator=generator)
    expected = {"tokens": tokens, "base_logits": base(input_ids=tokens).logits.detach()}
    tuned = PeftModel.from_pretrained(base, directory + "/adapter", is_trainable=True).double()
    factors = {key.replace(".default", ""): p for key, p in tuned.named_parameters() if p.requires_grad}
    logits = tuned(input_ids=tokens).logits
    losses = block_losses(logits, tokens)
    losses.mean().backward()
    expected |= {"logits": logits.detach(), "losses": losses.detach()}
    expected |= {"gradient." + key: p.grad.clone() for key, p in factors.items()}

    batches = torch.randint(0, vocabulary, (10, *shape), generator=generator)
    optimiser = torch.optim.AdamW(factors.values(), lr=3e-3, weight_decay=0.01)
    steps = []
    for batch in batches:
        optimiser.zero_grad()
        loss = block_losses(tuned(input_ids=batch).logits, batch).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(factors.values()), 1.0)
        optimiser.step()
        steps.append(loss.item())
    expected |= {"adamw.batches": batches, "adamw.losses": torch.tensor(steps, dtype=torch.float64)}
    save_file({k: v.float().contiguous() for k, v in expected.items()}, directory + "/expected.safetensors")
    print(name, "losses", [round(x, 4) for x in steps], "smallest gradient",
          min(p.grad.norm().item() for p in factors.values()))


if __name__ == "__main__":
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    generator = torch.Generator().manual_seed(1)
    for name, case in CASES.items():
        make(name, case, os.path.join(out, name), generator)
