#!/usr/bin/env python3
"""Makes tiny random models of every architecture, PEFT adapters, and what transformers + peft + PyTorch compute from them.

usage: make.py [CASE...]     (needs torch, transformers 5, peft, safetensors; float64 on one thread; writes beside itself)

Every parameter is random, norm weights and biases too, so that no default of one or zero hides an error. Each case is
a folder, made from a seed of its own (a case can be remade alone):
  config.json, model.safetensors     some with the keys that transformers 4 wrote (rope_theta, rope_scaling, ...)
  adapter/                           written by peft; neither A nor B is zero, DoRA magnitudes are not those of the base
  expected.safetensors               real numbers F32, whole numbers I32:
    Decoders:
      tokens          [blocks, length]
      logits          [blocks, length, vocabulary]   with the adapter, as everything below
      losses          [blocks]                       mean over a block's length - 1 shifted tokens
      labels          [blocks, length]               the tokens, -100 where one is not trained on
      masked_loss     [1]                            mean over the counted shifted labels of the whole batch
      gradient.NAME   like NAME in adapter_model.safetensors: of the mean of `losses`
      masked_gradient.NAME, in cases with `masked`   of `masked_loss`
      adamw.batches   [5, blocks, length]            in cases with `steps`: step s uses batch s mod 5
      adamw.losses    [50]                           the loss before each step, starting from the saved adapter
    Sequence classification:
      tokens          [sum of lengths]               the examples' tokens, one example's after another's
      lengths         [examples]                     tokens of each example
      labels          [examples]                     class index
      logits          [examples, classes]
      loss            [1]                            mean cross-entropy over the examples
      gradient.NAME                                  of `loss`; the head too, named as in adapter_model.safetensors
  The fifty steps: torch.optim.AdamW(lr=3e-3, weight_decay=0.01, betas 0.9 and 0.999, eps 1e-8) on all factors after
  clip_grad_norm_(1.0); no dropout.
"""
import json, os, shutil, sys, zlib

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification
from transformers.pytorch_utils import Conv1D

torch.set_num_threads(1)
F32, F16, BF16 = torch.float32, torch.float16, torch.bfloat16


def rope(theta=10000.0, kind="default", **more):
    return dict(rope_type=kind, rope_theta=theta, **more)


def llama_like(**changes):
    return dict(vocab_size=49, hidden_size=16, intermediate_size=21, num_hidden_layers=2, num_attention_heads=4,
                num_key_value_heads=2, max_position_embeddings=64, rope_parameters=rope(),
                bos_token_id=1, eos_token_id=2) | changes


ALL = dict(target_modules="all-linear")
DORA = dict(target_modules="all-linear", use_dora=True)

# transformers' name, the settings, the adapter; then what a case needs beyond that.
CASES = {
    "llama": dict(kind="llama", config=llama_like(), adapter=ALL, dtype=BF16, masked=True, steps=True),
    "llama-linear": dict(
        kind="llama", config=llama_like(rope_parameters=rope(kind="linear", factor=2.5)),
        adapter=dict(target_modules=["k_proj", "down_proj"]), dtype=BF16, old=True),
    "llama-dynamic": dict(
        kind="llama", config=llama_like(max_position_embeddings=12, tie_word_embeddings=True,
                                        rope_parameters=rope(500.0, "dynamic", factor=2.0)),
        adapter=dict(target_modules=["q_proj", "k_proj"]), dtype=BF16),
    "llama-llama3": dict(
        kind="llama", config=llama_like(
            num_key_value_heads=1, head_dim=12, rope_parameters=rope(
                100.0, "llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=2.0,
                original_max_position_embeddings=16)),
        adapter=dict(target_modules=["q_proj", "k_proj", "gate_proj"]), dtype=BF16, old=True),
    "llama-dora": dict(
        kind="llama", config=llama_like(hidden_size=24, tie_word_embeddings=True, attention_bias=True), adapter=DORA,
        dtype=F16),
    "mistral-window": dict(
        kind="mistral", config=llama_like(sliding_window=7), adapter=ALL, dtype=BF16, old=True),
    "qwen2": dict(
        kind="qwen2", config=llama_like(use_sliding_window=False, sliding_window=5, max_window_layers=1,
                                        tie_word_embeddings=True, rope_parameters=rope(1e6)),
        adapter=ALL, dtype=BF16, old=True),
    "qwen2-window": dict(
        kind="qwen2", config=llama_like(num_hidden_layers=3, use_sliding_window=True, sliding_window=6,
                                        max_window_layers=1, tie_word_embeddings=True),
        adapter=dict(target_modules=["v_proj", "up_proj"]), dtype=BF16),
    "qwen3": dict(
        kind="qwen3", config=llama_like(head_dim=10, rope_parameters=rope(1e6), tie_word_embeddings=True), adapter=ALL,
        dtype=F32, old=True),
    "gemma": dict(
        kind="gemma", config=llama_like(num_key_value_heads=1, head_dim=6, hidden_size=20, pad_token_id=0), adapter=ALL,
        dtype=BF16),
    "gemma3": dict(
        kind="gemma3_text", config=llama_like(
            num_hidden_layers=3, num_key_value_heads=1, head_dim=8, query_pre_attn_scalar=20, sliding_window=5,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"], pad_token_id=0,
            rope_parameters=dict(full_attention=rope(800.0, "linear", factor=4.0), sliding_attention=rope(20.0))),
        adapter=ALL, dtype=BF16),
    "gemma3-old": dict(
        kind="gemma3_text", config=llama_like(
            num_key_value_heads=2, head_dim=6, query_pre_attn_scalar=6, sliding_window=8, pad_token_id=0,
            sliding_window_pattern=2,
            rope_parameters=dict(full_attention=rope(3000.0), sliding_attention=rope(30.0))),
        adapter=dict(target_modules=["q_proj", "o_proj"]), dtype=BF16, old=True),
    "phi": dict(
        kind="phi", config=llama_like(hidden_size=24, num_attention_heads=2, num_key_value_heads=2,
                                      rope_parameters=rope(partial_rotary_factor=0.5)),
        adapter=ALL, dtype=F16, old=True),
    "phi-grouped": dict(
        kind="phi", config=llama_like(hidden_size=32, num_attention_heads=4, num_key_value_heads=2, qk_layernorm=True,
                                      rope_parameters=rope(200.0, partial_rotary_factor=0.5)),
        adapter=dict(target_modules=["q_proj", "dense", "fc2", "lm_head"]), dtype=BF16),
    "phi3": dict(
        kind="phi3", config=llama_like(sliding_window=9, pad_token_id=0), adapter=ALL, dtype=BF16),
    "phi3-longrope": dict(
        kind="phi3", config=llama_like(
            hidden_size=16, num_attention_heads=2, pad_token_id=0, original_max_position_embeddings=12,
            rope_parameters=rope(kind="longrope", partial_rotary_factor=0.75, short_factor=[1.0, 1.1, 1.2],
                                 long_factor=[1.3, 2.0, 3.5], original_max_position_embeddings=12)),
        adapter=dict(target_modules=["qkv_proj"]), dtype=BF16, old=True),
    "gpt2": dict(
        kind="gpt2", config=dict(vocab_size=49, n_positions=24, n_embd=16, n_layer=2, n_head=2, bos_token_id=1,
                                 eos_token_id=2),
        adapter=dict(target_modules="all-linear", fan_in_fan_out=True), dtype=F32),
    # Heads of an odd size, which only rotary positions forbid. As the first checkpoints on the hub: no `transformer.`
    # before the names, the causal masks among the tensors.
    "gpt2-dora": dict(
        kind="gpt2", config=dict(vocab_size=41, n_positions=20, n_embd=12, n_layer=2, n_head=4, n_inner=19,
                                 bos_token_id=1, eos_token_id=2),
        adapter=DORA | dict(fan_in_fan_out=True), dtype=BF16, bare="transformer."),
    "bert": dict(
        kind="bert", config=dict(vocab_size=47, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
                                 intermediate_size=21, max_position_embeddings=24, num_labels=3), adapter=ALL,
        dtype=BF16),
    # As old encoders on the hub: no `bert.` before the names, gamma and beta, stored position ids, no head at all.
    "bert-dora": dict(
        kind="bert", config=dict(vocab_size=43, hidden_size=12, num_hidden_layers=2, num_attention_heads=2,
                                 intermediate_size=25, max_position_embeddings=20, num_labels=2, hidden_act="gelu_new",
                                 pad_token_id=3),
        adapter=DORA, dtype=F16, bare="bert."),
    "distilbert": dict(
        kind="distilbert", config=dict(vocab_size=47, dim=16, n_layers=2, n_heads=4, hidden_dim=27,
                                       max_position_embeddings=24, num_labels=3),
        adapter=dict(target_modules=["q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2"]), dtype=BF16),
    "mobilebert": dict(
        kind="mobilebert", config=dict(
            vocab_size=47, hidden_size=20, embedding_size=8, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=17, intra_bottleneck_size=12, num_feedforward_networks=2, max_position_embeddings=24,
            num_labels=3), adapter=dict(target_modules=["query", "key", "value", "dense"]), dtype=BF16),
    "mobilebert-layer-norm": dict(
        kind="mobilebert", config=dict(
            vocab_size=31, hidden_size=16, embedding_size=6, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=15, intra_bottleneck_size=8, num_feedforward_networks=1, max_position_embeddings=20,
            normalization_type="layer_norm", use_bottleneck_attention=True, key_query_shared_bottleneck=False,
            classifier_activation=False, num_labels=2), adapter=ALL, dtype=BF16),
}
ENCODERS = {"bert", "distilbert", "mobilebert"}


def auto(kind):
    return AutoModelForSequenceClassification if kind in ENCODERS else AutoModelForCausalLM


def randomise(model, kind, generator):
    """Every parameter, at a size that keeps logits and gradients of order one."""
    transposed = {id(m.weight) for m in model.modules() if isinstance(m, Conv1D)}
    # Nothing keeps MobileBERT's activations from growing where its norms are none.
    gain = 0.7 if getattr(model.config, "normalization_type", None) == "no_norm" else 1
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=generator)
        if name.endswith("bias"):
            p.data = 0.2 * noise
        elif p.dim() == 1:  # A norm's weight; Gemma's are offsets from one.
            p.data = 0.2 * noise + (0 if kind.startswith("gemma") else gain)
        elif "embed" in name or ".wte" in name or ".wpe" in name:
            p.data = noise * min(0.5, 2 / p.shape[1] ** 0.5)
        else:
            p.data = 1.2 * gain * noise / (p.shape[0] if id(p) in transposed else p.shape[1]) ** 0.5


def edit_json(path, change):
    with open(path) as f:
        written = json.load(f)
    change(written)
    with open(path, "w") as f:
        json.dump(written, f, indent=2, sort_keys=True)


def as_transformers_4(config):
    """Rotary settings where transformers 4 wrote them."""
    rotary = config.pop("rope_parameters")
    config["torch_dtype"] = config.pop("dtype")
    if config["model_type"] == "gemma3_text":
        del config["layer_types"]
        config |= {"rope_theta": rotary["full_attention"]["rope_theta"], "rope_scaling": None,
                   "rope_local_base_freq": rotary["sliding_attention"]["rope_theta"]}
        config["sliding_window_pattern"] = config.pop("_sliding_window_pattern", 2)
        return
    config["rope_theta"] = rotary.pop("rope_theta")
    if "partial_rotary_factor" in rotary:
        config["partial_rotary_factor"] = rotary.pop("partial_rotary_factor")
    kind = rotary.pop("rope_type")
    if kind == "longrope":  # The length before scaling stood at the top level only.
        config["original_max_position_embeddings"] = rotary.pop("original_max_position_embeddings")
        config["rope_scaling"] = rotary | {"type": kind}
    else:
        config["rope_scaling"] = None if kind == "default" else rotary | {"rope_type": kind}
    config.pop("layer_types", None)
    if config.get("use_sliding_window") is False:  # The window stood there, and was to be ignored.
        config["sliding_window"] = 5


def as_old_checkpoint(path, prefix, config):
    tensors = {name.removeprefix(prefix): t for name, t in load_file(path).items()}
    if prefix == "transformer.":
        mask = torch.tril(torch.ones(config.n_positions, config.n_positions)).to(torch.bfloat16)
        tensors |= {f"h.{i}.attn.bias": mask[None, None].clone() for i in range(config.n_layer)}
    else:
        tensors = {n.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): t
                   for n, t in tensors.items() if not n.startswith("classifier")}
        tensors["embeddings.position_ids"] = torch.arange(config.max_position_embeddings)[None]
    save_file(tensors, path, metadata={"format": "pt"})


def save_model(case, directory, generator):
    config = AutoConfig.for_model(case["kind"], **case["config"])
    model = auto(case["kind"]).from_config(config)
    randomise(model, case["kind"], generator)
    shutil.rmtree(directory, ignore_errors=True)
    model.to(case.get("dtype", F32)).save_pretrained(directory)
    if os.path.exists(directory + "/generation_config.json"):
        os.remove(directory + "/generation_config.json")
    if case.get("old"):
        edit_json(directory + "/config.json", as_transformers_4)
    if "bare" in case:
        as_old_checkpoint(directory + "/model.safetensors", case["bare"], config)


def load(case, directory):
    return auto(case["kind"]).from_pretrained(directory, dtype=F32, attn_implementation="eager").eval()


def save_adapter(name, case, directory, generator):
    task = "SEQ_CLS" if case["kind"] in ENCODERS else "CAUSAL_LM"
    tuned = get_peft_model(load(case, directory), LoraConfig(task_type=task, r=3, lora_alpha=7, **case["adapter"]))
    for key, p in tuned.named_parameters():
        if not p.requires_grad:
            continue
        noise = torch.randn(p.shape, generator=generator)
        if "magnitude" in key:
            p.data = p.data * (1 + 0.2 * noise)
        elif "lora_" in key:
            p.data = noise * (1 / p.shape[1] ** 0.5 if "lora_A" in key else 0.25)
        else:
            p.data = noise * (1 / p.shape[1] ** 0.5 if p.dim() == 2 else 0.2)
    tuned.save_pretrained(directory + "/adapter", save_embedding_layers=False)
    os.remove(directory + "/adapter/README.md")
    edit_json(directory + "/adapter/adapter_config.json", lambda c: c.update(
        base_model_name_or_path=name, target_modules=sorted(c["target_modules"])))
    return load_file(directory + "/adapter/adapter_model.safetensors")


def block_losses(logits, tokens):
    return torch.stack([torch.nn.functional.cross_entropy(l[:-1], t[1:]) for l, t in zip(logits, tokens)])


def gradients(prefix, tuned, loss, saved):
    """By the names of adapter_model.safetensors."""
    tuned.zero_grad()
    loss.backward()
    named = {n: p.grad.clone() if p.requires_grad else p.data for n, p in tuned.named_parameters()}
    named = get_peft_model_state_dict(tuned, state_dict=named, save_embedding_layers=False)
    assert {n: t.shape for n, t in named.items()} == {n: t.shape for n, t in saved.items()}
    assert all(t.norm() > 1e-4 for t in named.values()), {n: t.norm().item() for n, t in named.items()}
    return {prefix + n: t for n, t in named.items()}


def decoder(case, tuned, saved, generator):
    vocabulary, shape = case["config"]["vocab_size"], (case.get("blocks", 2), case.get("length", 19))
    tokens = torch.randint(0, vocabulary, shape, generator=generator)
    labels = torch.where(torch.rand(shape, generator=generator) < 0.4, -100, tokens)
    logits = tuned(input_ids=tokens).logits
    losses = block_losses(logits, tokens)
    masked = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
    for mine, given in ((losses.mean(), tokens), (masked, labels)):
        assert abs(tuned(input_ids=tokens, labels=given).loss - mine) < 1e-5
    expected = {"tokens": tokens, "logits": logits, "losses": losses, "labels": labels, "masked_loss": masked[None]}
    if case.get("masked"):
        expected |= gradients("masked_gradient.", tuned, masked, saved)
        losses = block_losses(tuned(input_ids=tokens).logits, tokens)
    expected |= gradients("gradient.", tuned, losses.mean(), saved)
    if case.get("steps"):
        expected |= fifty_steps(tuned, torch.randint(0, vocabulary, (5, *shape), generator=generator))
    return expected


def fifty_steps(tuned, batches):
    factors = [p for p in tuned.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(factors, lr=3e-3, weight_decay=0.01)
    losses = []
    for step in range(50):
        batch = batches[step % len(batches)]
        optimiser.zero_grad()
        loss = block_losses(tuned(input_ids=batch).logits, batch).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(factors, 1.0)
        optimiser.step()
        losses.append(loss.item())
    print("fifty steps:", [round(x, 3) for x in losses[::7]])
    return {"adamw.batches": batches, "adamw.losses": torch.tensor(losses, dtype=torch.float64)}


def classifier(case, tuned, saved, generator):
    config, examples, length = tuned.config, 4, 13
    lengths = torch.tensor([9, length, 1, 12])
    tokens = torch.randint(0, config.vocab_size, (examples, length), generator=generator)
    rows = [row[:n] for row, n in zip(tokens, lengths)]
    labels = torch.randint(0, config.num_labels, (examples,), generator=generator)
    # One by one: padding would show in MobileBERT's trigrams.
    results = [tuned(input_ids=row[None], labels=label[None]) for row, label in zip(rows, labels)]
    logits, loss = torch.cat([r.logits for r in results]), torch.stack([r.loss for r in results]).mean()
    assert abs(loss - torch.nn.functional.cross_entropy(logits, labels)) < 1e-5
    return {"tokens": torch.cat(rows), "lengths": lengths, "labels": labels, "logits": logits,
            "loss": loss[None]} | gradients("gradient.", tuned, loss, saved)


def make(name, case, directory):
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    torch.manual_seed(0)
    save_model(case, directory, generator)
    saved = save_adapter(name, case, directory, generator)
    tuned = PeftModel.from_pretrained(load(case, directory).double(), directory + "/adapter", is_trainable=True)
    tuned = tuned.double().eval()
    expected = (classifier if case["kind"] in ENCODERS else decoder)(case, tuned, saved, generator)
    expected = {n: (t.detach().float() if t.is_floating_point() else t.int()).contiguous()
                for n, t in expected.items()}
    save_file(expected, directory + "/expected.safetensors")
    norms = [t.norm().item() for n, t in expected.items() if n.startswith("gradient.")]
    size = sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(directory) for f in files)
    print(f"{name}: {size / 1e3:.0f} kB, largest logit {expected['logits'].abs().max():.2f}, gradient norms "
          f"{min(norms):.1e} to {max(norms):.1e} of {len(norms)}", flush=True)


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    for name in sys.argv[1:] or CASES:
        make(name, CASES[name], os.path.join(here, name))
