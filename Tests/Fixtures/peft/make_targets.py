"""Writes targets/ and patterns.json with PEFT on tiny random models: which layers a configuration selects, with which
rank and scale, and the tensors PEFT saves for it. Run in this folder.

`make_targets.py --load DIRECTORY` loads every adapter below DIRECTORY into its case's model with PEFT instead and
compares values; `SHOAL_WRITTEN_ADAPTERS=DIRECTORY swift test --filter PEFTAgreement` leaves Shoal's adapters there."""
import json
import os
import random
import re
import shutil
import sys

import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from peft.tuners.tuners_utils import check_target_module_exists
from peft.utils import ModulesToSaveWrapper
from peft.utils.other import get_pattern_key
from safetensors.torch import load_file
from transformers.pytorch_utils import Conv1D

torch.set_num_threads(1)

llama_shape = dict(
    vocab_size=12, hidden_size=8, intermediate_size=10, num_hidden_layers=2, num_attention_heads=2,
    num_key_value_heads=1)


def llama(layers=2, tied=True):
    shape = llama_shape | dict(num_hidden_layers=layers, tie_word_embeddings=tied)
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**shape))


def gpt2():
    return transformers.GPT2LMHeadModel(
        transformers.GPT2Config(vocab_size=12, n_positions=16, n_embd=8, n_layer=2, n_head=2, n_inner=10))


def bert():
    return transformers.BertForSequenceClassification(
        transformers.BertConfig(
            vocab_size=12, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=10,
            max_position_embeddings=16, num_labels=3))


def distilbert():
    return transformers.DistilBertForSequenceClassification(
        transformers.DistilBertConfig(
            vocab_size=12, dim=8, n_layers=2, n_heads=2, hidden_dim=10, max_position_embeddings=16, num_labels=2))


def llama_classifier():
    return transformers.LlamaForSequenceClassification(
        transformers.LlamaConfig(**llama_shape, num_labels=2, pad_token_id=0))


CAUSAL, CLASSES = "CAUSAL_LM", "SEQ_CLS"
cases = {
    "list": (llama, dict(task_type=CAUSAL, target_modules=["q_proj", "mlp.up_proj", "model.layers.1.self_attn.o_proj"])),
    "regex": (llama, dict(task_type=CAUSAL, target_modules=r"model\.layers\.\d+\.(self_attn\.[qv]|mlp\.(?!gate)\w+)_proj")),
    "all-linear": (llama, dict(task_type=CAUSAL, target_modules="all-linear")),
    "all-linear-many": (lambda: llama(3), dict(task_type=CAUSAL, target_modules="all-linear")),
    "all-linear-many-exclude": (
        lambda: llama(3),
        dict(task_type=CAUSAL, target_modules="all-linear", exclude_modules=["k_proj", "layers.0.mlp.up_proj"])),
    "exclude-list": (
        llama, dict(task_type=CAUSAL, target_modules=["q_proj", "v_proj"], exclude_modules=["layers.0.self_attn.q_proj"])),
    "exclude-regex": (
        llama, dict(task_type=CAUSAL, target_modules="all-linear", exclude_modules=r".*\.0\..*|.*(up|gate)_proj")),
    "patterns": (
        llama,
        dict(task_type=CAUSAL, target_modules=["q_proj", "v_proj", "up_proj"],
             rank_pattern={"q_proj": 3, r"^model\.layers\.1\..*v_proj": 1, "layers.0.mlp.up_proj|nothing": 4},
             alpha_pattern={"layers.1.self_attn.q_proj": 7, "q_proj": 5, r"v_pr.j": 2.5})),
    "rslora": (llama, dict(task_type=CAUSAL, target_modules=["q_proj", "o_proj"], use_rslora=True, rank_pattern={"o_proj": 4})),
    "layers": (llama, dict(task_type=CAUSAL, target_modules=["q_proj", "model.layers.0.mlp.up_proj"], layers_to_transform=[1], layers_pattern="layers")),
    "dora": (llama, dict(task_type=CAUSAL, target_modules=["q_proj", "down_proj"], use_dora=True, rank_pattern={"down_proj": 3})),
    "head-tied": (llama, dict(task_type=CAUSAL, target_modules=["q_proj", "lm_head"])),
    "head": (lambda: llama(tied=False), dict(task_type=CAUSAL, target_modules=["q_proj", "lm_head"])),
    "head-regex": (lambda: llama(tied=False), dict(task_type=CAUSAL, target_modules=r".*q_proj|lm_head")),
    "gpt2": (gpt2, dict(task_type=CAUSAL, target_modules=["c_attn", "mlp.c_proj"])),
    "gpt2-all-linear": (gpt2, dict(task_type=CAUSAL, target_modules="all-linear")),
    "gpt2-dora": (gpt2, dict(task_type=CAUSAL, target_modules=["c_fc"], use_dora=True)),
    "gpt2-head": (gpt2, dict(task_type=CAUSAL, target_modules=["c_fc", "lm_head"])),
    "bert-classes": (bert, dict(task_type=CLASSES, target_modules=["query", "value"])),
    "bert-classes-all-linear": (bert, dict(task_type=CLASSES, target_modules="all-linear", use_dora=True)),
    "distilbert-classes": (distilbert, dict(task_type=CLASSES, target_modules=["q_lin", "v_lin"])),
    "distilbert-classes-all-linear": (distilbert, dict(task_type=CLASSES, target_modules="all-linear", exclude_modules=["pre_classifier"])),
    "llama-classes": (llama_classifier, dict(task_type=CLASSES, target_modules=["q_proj", "v_proj"])),
}


def stand_alone(make):
    torch.manual_seed(0)
    return make()


def write(name, make, settings):
    base = stand_alone(make)
    head = base.get_output_embeddings()
    linear = [
        # Name, inputs, outputs, and of: the output head, a Conv1D, with a bias.
        [key, *(m.weight.shape if isinstance(m, Conv1D) else m.weight.shape[::-1]),
         m is head, isinstance(m, Conv1D), m.bias is not None]
        for key, m in base.named_modules() if isinstance(m, (torch.nn.Linear, Conv1D))]
    model = get_peft_model(base, LoraConfig(**({"r": 2, "lora_alpha": 4} | settings)))
    targets = {
        key.removeprefix("base_model.model."): [m.r["default"], m.scaling["default"]]
        for key, m in model.named_modules() if isinstance(m, LoraLayer)}
    norms = {
        key: (m.weight.T if isinstance(m, Conv1D) else m.weight).detach().norm(dim=1).tolist()
        for key in targets for m in [stand_alone(make).get_submodule(key)]} if settings.get("use_dora") else {}
    saved = sorted(
        key.removeprefix("base_model.model.") for key, m in model.named_modules() if isinstance(m, ModulesToSaveWrapper))
    model.save_pretrained("targets/" + name)
    os.remove(f"targets/{name}/README.md")
    # The tensors' names and shapes stand in the safetensors file itself.
    json.dump(
        dict(linear=linear, targets=targets, saved=saved, row_norms=norms, target_modules=settings["target_modules"]),
        open(f"targets/{name}/expected.json", "w"), separators=(",", ":"))


def load(directory):
    for name in sorted(os.listdir(directory)):
        make, settings = cases[name]
        model = PeftModel.from_pretrained(stand_alone(make), os.path.join(directory, name))
        tensors = load_file(f"{directory}/{name}/adapter_model.safetensors")
        state = get_peft_model_state_dict(model, save_embedding_layers=False)
        assert set(state) == set(tensors), (name, set(state) ^ set(tensors))
        assert all(torch.equal(state[key].cpu(), tensors[key]) for key in state), name
        print(f"{name}: {len(state)} tensors load and are equal")


# Python's own matching, as an oracle for another regular expression engine.
pieces = ["q", "proj", "q_proj", r"\.", ".", ".*", r"\d", r"\d+", r"\w+", "[qk]", "[^q]", "[a-z_]*", "(q|k)", "(?:mlp|self_attn)",
          "(?!gate)", "layers", "h", "model", "_proj", "a|b", "(a|ab)", "o?", "0", "1{1,2}", "x*?", r"\b", "^", "$", "(?=.*q)",
          "(?P<n>[a-z])", r"[\w.]+", "(up|down)", r"\S*", r"[\d.]*", ".+?"]
names = ["model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.k_proj", "model.layers.11.mlp.up_proj", "q_proj", "q",
         "lm_head", "model.layers.0.mlp.gate_proj", "transformer.h.0.attn.c_attn", "ab", "aab", "abab", "bert.encoder.layer.1.output.dense"]


def patterns():
    chosen = random.Random(0)
    out, seen = [], set()
    hand = ["(a|ab)(ab|b)?", "a|ab", "(?i)Q_PROJ", r"(.)\1b", r".*\.(?P<x>\d)\1?\..*", "model.*(?<!gate)_proj", "(?>a*)ab", "[]q]+", "[^]]*", r"[\[q]+", "q{1}", "q{,1}", "{q", r".*\Z", r"\A.*q_proj", "(?x) q _proj", "", "(?:)", "a++b", ".*(?#c)head", "[a-]b", r"\x71", r"\u0071_proj"]
    for pattern in hand + ["".join(chosen.choices(pieces, k=chosen.randint(1, 6))) for _ in range(4000)]:
        if pattern in seen:
            continue
        seen.add(pattern)
        try:
            re.compile(pattern)
        except re.error:
            continue
        full = [n for n, name in enumerate(names) if re.fullmatch(pattern, name)]
        try:
            key = [n for n, name in enumerate(names) if get_pattern_key([pattern], name) == pattern and re.match(rf"(.*\.)?({pattern})$", name)]
        except re.error:
            key = None
        if pattern in hand or len(out) < 240 and full:
            out.append([pattern, full, key])
    json.dump(dict(names=names, patterns=out), open("patterns.json", "w"), separators=(",", ":"))


if sys.argv[1:2] == ["--load"]:
    load(sys.argv[2])
else:
    shutil.rmtree("targets", ignore_errors=True)
    for name, (make, settings) in cases.items():
        write(name, make, settings)
    patterns()
