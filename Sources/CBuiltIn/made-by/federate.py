#!/usr/bin/env python3
"""Judges the built-in model and notes with PyTorch and PEFT, apart from Shoal's own code: base loss, FedAvg on LoRA
factors and local-only adapters, by trade, and what the base and the federated adapter write after a few prompts.
usage: federate.py [rounds=30] [local-steps=10] [batch=8] [sequence=64] [rate=1e-2] [rank=16] [seed=0] [local=1] [threads=1]
The defaults are the demonstration's, in ../files/demo.yaml."""

import copy
import json
import random
import sys
import time
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

files = Path(__file__).parent.parent / "files"
options = dict(argument.split("=") for argument in sys.argv[1:])
rounds, local_steps = int(options.get("rounds", 30)), int(options.get("local-steps", 10))
batch, length = int(options.get("batch", 8)), int(options.get("sequence", 64))
rate, rank, seed = float(options.get("rate", 1e-2)), int(options.get("rank", 16)), int(options.get("seed", 0))
prompts = ["Patient reports", "Guest in room", "Ref CL-2041, Mon 09:30. Patient reports", "Once upon a time"]

torch.set_num_threads(int(options.get("threads", 1)))
random.seed(seed)
tokenizer = Tokenizer.from_file(str(files / "tokenizer.json"))
config = json.loads((files / "config.json").read_text())
begin, end = config["bos_token_id"], config["eos_token_id"]
rows = [json.loads(line) for line in (files / "notes.jsonl").read_text().splitlines()]
workers = list(dict.fromkeys(row["worker"] for row in rows))


def blocks(worker, split):
    """One (worker, split) packed as Shoal packs it, `[blocks, length]`."""
    ids = []
    for row in rows:
        if (row["worker"], row["split"]) == (worker, split):
            ids += [begin] + tokenizer.encode(row["text"], add_special_tokens=False).ids + [end]
    return torch.tensor(ids[: len(ids) // length * length]).view(-1, length)


train = {worker: blocks(worker, "train") for worker in workers}
test = {worker: blocks(worker, "test") for worker in workers}


def fresh():
    torch.manual_seed(seed)
    base = AutoModelForCausalLM.from_pretrained(files, dtype=torch.float32)
    layers = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    return get_peft_model(base, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=layers, task_type="CAUSAL_LM"))


@torch.no_grad()
def losses(model):
    """Each trade's mean loss over its held-out blocks."""
    model.eval()
    found = {}
    for worker, ids in test.items():
        parts = [(model(input_ids=part, labels=part).loss.item(), len(part)) for part in ids.split(64)]
        found[worker] = sum(loss * count for loss, count in parts) / len(ids)
    model.train()
    return found


def overall(found):
    return sum(found[worker] * len(test[worker]) for worker in workers) / sum(len(ids) for ids in test.values())


def fit(model, ids, steps, generator):
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=0.0)
    for _ in range(steps):
        chosen = ids[torch.randint(0, len(ids), (batch,), generator=generator)]
        model(input_ids=chosen, labels=chosen).loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()


@torch.no_grad()
def write(model, prompt):
    model.eval()
    ids = torch.tensor([[begin] + tokenizer.encode(prompt, add_special_tokens=False).ids])
    made = model.generate(input_ids=ids, do_sample=False, max_new_tokens=70, pad_token_id=end)
    return tokenizer.decode(made[0].tolist())


model = fresh()
generator = torch.Generator().manual_seed(seed)
base = losses(model)
print(f"base loss {overall(base):.4f}", flush=True)
start, shared = time.time(), copy.deepcopy(get_peft_model_state_dict(model))
before = {prompt: write(model, prompt) for prompt in prompts}
for number in range(1, rounds + 1):
    total, weight = None, 0
    for worker in workers:
        set_peft_model_state_dict(model, shared)
        model.train()
        fit(model, train[worker], local_steps, generator)
        state, count = get_peft_model_state_dict(model), len(train[worker])
        total = {key: (total[key] if total else 0) + value * count for key, value in state.items()}
        weight += count
    shared = {key: value / weight for key, value in total.items()}
    set_peft_model_state_dict(model, shared)
    print(f"round {number} loss {overall(losses(model)):.4f} {time.time() - start:.1f} s", flush=True)
federated = losses(model)
after = {prompt: write(model, prompt) for prompt in prompts}

# A local-only adapter sees as many steps as the trade's worker gave the federated one.
own, everywhere = {}, {}
if options.get("local", "1") == "1":
    for worker in workers:
        model = fresh()
        fit(model, train[worker], rounds * local_steps, generator)
        found = losses(model)
        own[worker], everywhere[worker] = found[worker], overall(found)

print(f"{'trade':12} {'blocks':>10} {'base':>7} {'federated':>9} {'change':>7}   local-only: own trade, all trades")
for worker in workers:
    change = federated[worker] / base[worker] - 1
    local = f"{own[worker]:8.4f} {everywhere[worker]:8.4f}" if own else ""
    print(
        (
            f"{worker:12} {len(train[worker]):5} {len(test[worker]):4} {base[worker]:7.4f} {federated[worker]:9.4f} "
            f"{change:7.1%}   {local}"
        )
    )
print(f"all: base {overall(base):.4f}, federated {overall(federated):.4f}", end="")
print(f", mean local-only over all trades {sum(everywhere.values()) / len(everywhere):.4f}" if own else "")
for prompt in prompts:
    print(f"--- {prompt!r}\nbase:      {before[prompt]!r}\nfederated: {after[prompt]!r}")
