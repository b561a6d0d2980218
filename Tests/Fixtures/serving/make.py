#!/usr/bin/env python3
"""Writes greedy.json: what transformers generates with the built-in model.

usage: make.py [OUTPUT_DIR]   (needs torch, transformers 5; computes in float32 on one thread)

A list of {"prompt", "promptTokens", "tokens", "text", "logProbabilities"}: the tokens of the prompt, begin token first;
up to 32 tokens that greedy search adds, end token left out; their text; and the natural logarithm of the probability of
each under the model, in float64 from the float32 logits.
"""
import json, os, sys
import torch
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

torch.set_num_threads(1)
here = os.path.dirname(os.path.abspath(__file__))
source = os.path.join(here, "../../../Sources/CBuiltIn/files")
output = sys.argv[1] if len(sys.argv) > 1 else here
model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
tokenizer = PreTrainedTokenizerFast(tokenizer_file=os.path.join(source, "tokenizer.json"))
end = model.config.eos_token_id

rows = []
for prompt in ["Patient reports", "The customer wants", "Lesson plan:", "Sun half past ten, pressure", "Überprüft 日"]:
    ids = [i for i in [model.config.bos_token_id] if i is not None] + tokenizer.encode(prompt, add_special_tokens=False)
    made = model.generate(torch.tensor([ids]), max_new_tokens=32, do_sample=False, pad_token_id=end)[0][len(ids):].tolist()
    if end in made:
        made = made[:made.index(end)]
    with torch.no_grad():
        logits = model(torch.tensor([ids + made])).logits[0].double()
    chances = torch.log_softmax(logits, -1)
    whole = tokenizer.decode(ids + made, skip_special_tokens=True)
    rows.append({
        "prompt": prompt, "promptTokens": ids, "tokens": made,
        "text": whole[len(tokenizer.decode(ids, skip_special_tokens=True)):],
        "logProbabilities": [chances[len(ids) - 1 + i, t].item() for i, t in enumerate(made)]})
with open(os.path.join(output, "greedy.json"), "w") as f:
    json.dump(rows, f, indent=1, ensure_ascii=False)
    f.write("\n")
