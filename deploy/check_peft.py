#!/usr/bin/env python3
"""Checks Shoal's adapters against PyTorch + PEFT, both ways, on one machine.

usage: check_peft.py SHOAL MODEL_DIR ADAPTER_DIR DATA.jsonl [sequence_length=128]
needs: pip install torch transformers peft

1. An adapter that Shoal wrote loads with peft.PeftModel.from_pretrained and gives the loss that `shoal evaluate` gives.
2. An adapter that peft wrote (random, B not zero) loads in `shoal evaluate` and gives peft's loss.
Both must agree within 1e-3 nats a token over the test split.
"""
import json, pathlib, subprocess, sys, tempfile

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

TOLERANCE = 1e-3


def blocks(model_directory, data, length):
    """Test blocks as Shoal packs them: per worker, BOS + tokens + EOS joined, cut, remainder dropped."""
    tokenizer = Tokenizer.from_file(f"{model_directory}/tokenizer.json")
    config = json.load(open(f"{model_directory}/config.json"))
    begin, end = ([config[key]] if config.get(key) is not None else [] for key in ("bos_token_id", "eos_token_id"))
    rows = [row for row in map(json.loads, open(data)) if row.get("split") == "test"]
    packed = []
    for worker in dict.fromkeys(row.get("worker") for row in rows):
        ids = [
            token for row in rows if row.get("worker") == worker
            for token in begin + tokenizer.encode(row["text"], add_special_tokens=False).ids + end
        ]
        packed += [ids[start:start + length] for start in range(0, len(ids) - length + 1, length)]
    return torch.tensor(packed)


@torch.no_grad()
def peft_loss(model, test):
    model.eval()
    return sum(model(input_ids=part, labels=part).loss.item() * len(part) for part in test.split(16)) / len(test)


def shoal_loss(shoal, model, adapter, data, length):
    output = subprocess.run(
        [shoal, "evaluate", "--model", model, "--adapter", adapter, "--data", data, "--split", "test",
         "--sequence-length", str(length), "--json"], check=True, capture_output=True, text=True).stdout
    return json.loads(output)["loss"]


def main():
    shoal, model_directory, adapter, data = sys.argv[1:5]
    length = int(sys.argv[5]) if len(sys.argv) > 5 else 128
    test = blocks(model_directory, data, length)
    base = lambda: AutoModelForCausalLM.from_pretrained(model_directory, dtype=torch.float32)
    failures = 0

    def compare(what, theirs, ours):
        nonlocal failures
        agrees = abs(theirs - ours) <= TOLERANCE
        failures += not agrees
        print(f"{what}: peft {theirs:.6f}, shoal {ours:.6f}: {'agree' if agrees else 'DIFFER'}")

    compare("an adapter written by Shoal", peft_loss(PeftModel.from_pretrained(base(), adapter), test),
            shoal_loss(shoal, model_directory, adapter, data, length))

    torch.manual_seed(0)
    theirs = get_peft_model(base(), LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, values in theirs.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(values, std=0.05)
    with tempfile.TemporaryDirectory() as folder:
        theirs.save_pretrained(folder)
        compare("an adapter written by peft", peft_loss(theirs, test),
                shoal_loss(shoal, model_directory, folder, data, length))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
