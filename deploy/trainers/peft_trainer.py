#!/usr/bin/env python3
"""Trains one task of a Shoal worker with PyTorch and PEFT, on a GPU where there is one.

    shoal worker --join clinic.join --data notes.jsonl --trainer python3 peft_trainer.py

Shoal starts it in a folder that holds the task (the page "A trainer of your own" describes the files): task.json,
examples.jsonl and adapter-in/; it leaves adapter-out/ and metrics.json there. Needs torch, transformers and peft.
"""
import json
import math
import os
import random
import signal
import sys
import time

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

FOLDER = os.environ.get("SHOAL_TASK", ".")


def path(name):
    return os.path.join(FOLDER, name)


def rate(training, step):
    """The learning rate of a global step, counted from 0: Shoal's warm-up and schedules."""
    peak, warmup, total = training["learningRate"], training["warmupSteps"], training["totalSteps"]
    if step < warmup:
        return peak * step / warmup
    done = min(1.0, (step - warmup) / max(1, total - warmup))
    if training["schedule"] == "linear":
        return peak * (1 - done)
    if training["schedule"] == "cosine":
        return peak * 0.5 * (1 + math.cos(math.pi * done))
    return peak


def optimizer_of(training, parameters):
    if training["optimizer"] == "sgd":
        return torch.optim.SGD(parameters, lr=training["learningRate"], momentum=training["momentum"],
                               weight_decay=training["weightDecay"])
    return torch.optim.AdamW(parameters, lr=training["learningRate"], betas=(training["beta1"], training["beta2"]),
                             eps=training["epsilon"], weight_decay=training["weightDecay"])


class Draws:
    """Batches, drawn with replacement; for classification every class equally often where the run asks for it."""

    def __init__(self, task, examples):
        self.random = random.Random(task["seed"])
        self.examples = examples
        self.groups = None
        if task["task"] == "classification" and task["training"]["balanceClasses"]:
            groups = {}
            for example in examples:
                groups.setdefault(example["label"], []).append(example)
            self.groups = [groups[label] for label in sorted(groups)]

    def batch(self, size):
        if self.groups is None:
            return self.random.choices(self.examples, k=size)
        return [self.random.choice(self.random.choice(self.groups)) for _ in range(size)]


def causal_loss(model, batch, device):
    ids = torch.tensor([example["input_ids"] for example in batch], device=device)
    labels = torch.tensor([example["labels"] for example in batch], device=device)
    return model(input_ids=ids, labels=labels).loss, ids.numel()


def classification_loss(model, batch, device, absent):
    longest = max(len(example["input_ids"]) for example in batch)
    pad = model.config.pad_token_id or 0
    rows = [example["input_ids"] for example in batch]
    ids = torch.tensor([row + [pad] * (longest - len(row)) for row in rows], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=device)
    logits = model(input_ids=ids, attention_mask=mask).logits.float()
    if absent:
        logits[:, absent] = -torch.inf  # Classes that this worker has not take no part in its loss.
    target = torch.tensor([example["label"] for example in batch], device=device)
    return torch.nn.functional.cross_entropy(logits, target), sum(map(len, rows))


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # The task was withdrawn.
    with open(path("task.json"), encoding="utf-8") as file:
        task = json.load(file)
    with open(path("examples.jsonl"), encoding="utf-8") as file:
        examples = [json.loads(line) for line in file]
    training = task["training"]
    torch.set_num_threads(task["threads"])
    torch.manual_seed(task["seed"])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = torch.bfloat16 if training["precision"] == "bfloat16" else torch.float32
    is_classification = task["task"] == "classification"
    if is_classification:
        base = AutoModelForSequenceClassification.from_pretrained(
            task["model"], dtype=dtype, num_labels=len(task["labels"]))
    else:
        base = AutoModelForCausalLM.from_pretrained(task["model"], dtype=dtype)
    model = PeftModel.from_pretrained(base, path("adapter-in"), is_trainable=True, autocast_adapter_dtype=True)
    model.to(device).train()
    frozen = training.get("frozenFactor")
    if frozen:
        for name, parameter in model.named_parameters():
            if frozen in name:
                parameter.requires_grad_(False)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = optimizer_of(training, parameters)
    draws = Draws(task, examples)
    absent = []
    if draws.groups is not None:
        present = {example["label"] for example in examples}
        absent = [label for label in range(len(task["labels"])) if label not in present]

    losses, tokens, started = [], 0, time.monotonic()
    for step in range(training["localSteps"]):
        for group in optimizer.param_groups:
            group["lr"] = rate(training, training["stepsBefore"] + step)
        optimizer.zero_grad(set_to_none=True)
        sum_of_losses = 0.0
        for _ in range(training["accumulationSteps"]):
            batch = draws.batch(training["batchSize"])
            if is_classification:
                loss, count = classification_loss(model, batch, device, absent)
            else:
                loss, count = causal_loss(model, batch, device)
            (loss / training["accumulationSteps"]).backward()
            sum_of_losses += loss.item() / training["accumulationSteps"]
            tokens += count
        if training["clipNorm"] is not None:
            torch.nn.utils.clip_grad_norm_(parameters, training["clipNorm"])
        optimizer.step()
        losses.append(sum_of_losses)
        print(json.dumps({"step": step + 1, "loss": sum(losses) / len(losses)}), flush=True)

    model.save_pretrained(path("adapter-out"))
    with open(path("metrics.json"), "w", encoding="utf-8") as file:
        json.dump({"trainLoss": sum(losses) / len(losses), "steps": len(losses), "tokens": tokens}, file)
    print(f"trained on {device} in {time.monotonic() - started:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
