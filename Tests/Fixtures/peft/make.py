"""Writes this folder's fixtures with PEFT, on a tiny random Llama. Run in this folder."""
import json
import os

import torch
from peft import IA3Config, LoraConfig, get_peft_model
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

torch.set_num_threads(1)
torch.manual_seed(0)
shape = dict(
    vocab_size=16, hidden_size=8, intermediate_size=12, num_hidden_layers=2, num_attention_heads=2,
    num_key_value_heads=1, tie_word_embeddings=True,
)


def save(name, dtype=torch.float32, **settings):
    model = get_peft_model(LlamaForCausalLM(LlamaConfig(**shape)), LoraConfig(task_type="CAUSAL_LM", **settings))
    for key, value in model.named_parameters():
        if "lora_" in key:
            torch.nn.init.normal_(value)
    model.to(dtype).save_pretrained(name)
    for extra in ["README.md"]:
        if os.path.exists(f"{name}/{extra}"):
            os.remove(f"{name}/{extra}")
    tensors = load_file(f"{name}/adapter_model.safetensors")
    flat = torch.cat([tensors[key].float().flatten() for key in sorted(tensors)])
    bits = [v & 0xFFFFFFFF for v in flat.view(torch.int32).tolist()]
    names = [[key, list(tensors[key].shape)] for key in sorted(tensors)]
    json.dump({"tensors": names, "float32_bits": bits}, open(f"{name}/expected.json", "w"))


save("named", r=2, lora_alpha=4, lora_dropout=0.05, target_modules=["q_proj", "v_proj"])
save("rslora_bfloat16", torch.bfloat16, r=3, lora_alpha=16.5, target_modules="all-linear", use_rslora=True)
save("pattern_float16", torch.float16, r=2, lora_alpha=4, target_modules=r".*\.0\.mlp\.(up|down)_proj")

# Configurations that change the maths; the key that must be named is the file's name.
refused = {
    "bias": LoraConfig(target_modules=["q_proj"], bias="lora_only"),
    "lora_bias": LoraConfig(target_modules=["q_proj"], lora_bias=True),
    "init_lora_weights": LoraConfig(target_modules=["q_proj"], init_lora_weights="pissa"),
    "trainable_token_indices": LoraConfig(target_modules=["q_proj"], trainable_token_indices=[1]),
    "use_qalora": LoraConfig(target_modules=["q_proj"], use_qalora=True),
    "target_parameters": LoraConfig(target_modules=["q_proj"], target_parameters=["mlp.experts.gate_up_proj"]),
    "alora_invocation_tokens": LoraConfig(target_modules=["q_proj"], alora_invocation_tokens=[1]),
    "ensure_weight_tying": LoraConfig(target_modules=["q_proj"], ensure_weight_tying=True),
    "kasa_config": LoraConfig(target_modules=["q_proj"], kasa_config={}),
    "layer_replication": LoraConfig(target_modules=["q_proj"], layer_replication=[[0, 1]]),
    "peft_type": IA3Config(target_modules=["q_proj"], feedforward_modules=[]),
}
os.makedirs("refused", exist_ok=True)
for key, config in refused.items():
    config.save_pretrained("refused")
    os.rename("refused/adapter_config.json", f"refused/{key}.json")
