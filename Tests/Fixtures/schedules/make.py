#!/usr/bin/env python3
"""Learning rates of transformers' schedules, step by step. Needs: pip install torch transformers. Writes schedules.json here."""
import json, pathlib, torch
from transformers import get_constant_schedule_with_warmup, get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

cases = []
for kind, warmup, total, peak in [
    ("constant", 0, 10, 0.003), ("constant", 4, 10, 0.003), ("linear", 0, 10, 0.003), ("linear", 3, 20, 0.001),
    ("cosine", 0, 10, 0.003), ("cosine", 5, 25, 0.0005), ("cosine", 5, 5, 0.01), ("linear", 8, 4, 0.01),
]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=peak)
    if kind == "constant": schedule = get_constant_schedule_with_warmup(optimizer, warmup)
    elif kind == "linear": schedule = get_linear_schedule_with_warmup(optimizer, warmup, total)
    else: schedule = get_cosine_schedule_with_warmup(optimizer, warmup, total)
    rates = []
    for _ in range(total):
        rates.append(optimizer.param_groups[0]["lr"]); optimizer.step(); schedule.step()
    cases.append({"kind": kind, "warmup": warmup, "total": total, "peak": peak, "rates": rates})
pathlib.Path(__file__).with_name("schedules.json").write_text(json.dumps(cases, indent=1) + "\n")
