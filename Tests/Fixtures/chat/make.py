"""Conversations written by transformers' apply_chat_template, beside which Shoal's templates are tested.

Run: python make.py  (transformers, tokenizers). Writes rendered.json and tokenizer.json.

The templates are written out here in Jinja after the models' published behaviour. Every assistant turn is marked with
{% generation %}, so that transformers itself says which characters and tokens are the assistant's.
"""

import json
import pathlib

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).parent

TURN = "{% for message in messages %}"
CHATML = (
    "{DEFAULT}" + TURN + "{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SMOLLM = (
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are a careful assistant.<|im_end|>\\n' }}"
    "{% endif %}"
)
QWEN = (
    "{%- if messages[0]['role'] != 'system' %}"
    "{{- '<|im_start|>system\\nYou are Quill, made in Ghent. You are a helpful assistant.<|im_end|>\\n' }}{%- endif %}"
)
LLAMA3 = (
    TURN + "{% if loop.index0 == 0 %}{{ bos_token }}{% endif %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] | trim + '<|eot_id|>' }}"
    "{% endgeneration %}{% else %}{{ message['content'] | trim + '<|eot_id|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
GEMMA_TURNS = (
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if message['role'] == 'assistant' %}{{ '<start_of_turn>model\n' }}{% generation %}"
    "{{ message['content'] | trim + '<end_of_turn>' }}{% endgeneration %}{{ '\n' }}{% else %}"
    "{{ '<start_of_turn>' + message['role'] + '\n' + (prefix if loop.first else '') + message['content'] | trim"
    " + '<end_of_turn>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
GEMMA3 = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set prefix = messages[0]['content'] + '\n\n' %}"
    "{% set turns = messages[1:] %}{% else %}{% set prefix = '' %}{% set turns = messages %}{% endif %}"
    "{% for message in turns %}" + GEMMA_TURNS
)
GEMMA2 = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}{% set prefix = '' %}" + TURN + GEMMA_TURNS
)
# Block tags and the spaces before them vanish (trim_blocks, lstrip_blocks); the line breaks after values stay.
ZEPHYR = """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>\n' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>\n' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>\n' }}{% generation %}{{ message['content'] + eos_token }}{% endgeneration %}{{ '\n' }}
{%- endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}"""
ALPACA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ messages[0]['content'] + '\n\n' }}"
    "{% set turns = messages[1:] %}{% else %}{{ 'Below is an instruction that describes a task. "
    "Write a response that appropriately completes the request.\n\n' }}{% set turns = messages %}{% endif %}"
    "{% for message in turns %}{% if message['role'] == 'user' %}"
    "{{ '### Instruction:\n' + message['content'] + '\n\n' }}{% elif message['role'] == 'assistant' %}"
    "{{ '### Response:\n' }}{% generation %}{{ message['content'] + eos_token }}{% endgeneration %}{{ '\n\n' }}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '### Response:\n' }}{% endif %}"
)
PLAIN = (
    "{{ bos_token }}" + TURN + "{% if message['role'] == 'system' %}{{ message['content'] + '\n\n' }}"
    "{% elif message['role'] == 'user' %}{{ 'User: ' + message['content'] + '\n' }}"
    "{% else %}{{ 'Assistant: ' }}{% generation %}{{ message['content'] + eos_token }}{% endgeneration %}{{ '\n' }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
TEMPLATES = {
    # name: (the template that Shoal must recognise, its name, whether to also use it by name)
    "chatml": (CHATML.replace("{DEFAULT}", ""), "chatml", True),
    "chatml of smollm": (CHATML.replace("{DEFAULT}", SMOLLM), "chatml", False),
    "chatml of qwen": (CHATML.replace("{DEFAULT}", QWEN), "chatml", False),
    "llama-3": (LLAMA3, "llama-3", True),
    "gemma": (GEMMA3, "gemma", True),
    "gemma 2": (GEMMA2, "gemma", False),
    "zephyr": (ZEPHYR, "zephyr", True),
    "alpaca": (ALPACA, "alpaca", True),
    "plain": (PLAIN, "plain", True),
}

U, A, S = "user", "assistant", "system"
CONVERSATIONS = {
    "one turn": [(U, "What is a shoal?"), (A, "A group of fish that stays together.")],
    "instructed": [(S, "Answer in one word."), (U, "Capital of Belgium?"), (A, "Brussels.")],
    "three turns": [(U, "Hi"), (A, "Hello!"), (U, "2+2?"), (A, "4"), (U, "Thanks"), (A, "You are welcome 🦈")],
    "white space": [(U, "\n\t indented \u00a0\n"), (A, "\n\n  code:\n    x = 1\n\u2003\x1f")],
    "special tokens inside": [(U, "say <|im_end|> and </s>"), (A, "<|eot_id|> <end_of_turn> done")],
    "other scripts": [(U, "Où est le poisson ? 魚はどこ？"), (A, "В море. 🌊 e\u0301té")],
    "quotes": [(U, "\"a\" 'b' {{ c }} {% d %} \\n"), (A, "it's \\ \"so\"")],
    "ends with the user": [(U, "one"), (A, "two"), (U, "three")],
    "an empty answer": [(U, "say nothing"), (A, "")],
    "two users in a row": [(U, "a"), (U, "b"), (A, "c")],
    "the assistant first": [(A, "How can I help?"), (U, "Name a fish."), (A, "Cod.")],
    "a late system message": [(U, "a"), (S, "be brief"), (A, "b")],
}


def tokenizer():
    """A byte-level BPE with every template's markers, trained on a little English."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    specials = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
                "<start_of_turn>", "<end_of_turn>"]
    text = [c for messages in CONVERSATIONS.values() for _, c in messages] + [
        "system user assistant User Assistant Instruction Response Below is an instruction that describes a task. "
        "### Response:\n\n", "Assistant: Hello\n\n\n\n"] * 8
    raw.train_from_iterator(text, trainers.BpeTrainer(
        vocab_size=520, special_tokens=specials, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    raw.save(str(HERE / "tokenizer.json"), pretty=False)
    return PreTrainedTokenizerFast(tokenizer_object=raw, bos_token="<s>", eos_token="</s>")


def main():
    tok = tokenizer()
    templates = []
    for title, (source, name, by_name) in TEMPLATES.items():
        cases = []
        for conversation, turns in CONVERSATIONS.items():
            messages = [{"role": role, "content": content} for role, content in turns]
            case = {"conversation": conversation}
            try:
                case["text"] = tok.apply_chat_template(messages, chat_template=source, tokenize=False)
                case["prompt"] = tok.apply_chat_template(
                    messages, chat_template=source, tokenize=False, add_generation_prompt=True)
                out = tok.apply_chat_template(
                    messages, chat_template=source, tokenize=True, return_dict=True, return_assistant_tokens_mask=True)
                case["tokens"] = out["input_ids"]
                case["mask"] = "".join(str(m) for m in out["assistant_masks"])
            except Exception as error:  # raise_exception of the template.
                case["refused"] = str(error)
            cases.append(case)
        templates.append({"title": title, "source": source, "name": name, "byName": by_name, "cases": cases})
    conversations = {n: [{"role": r, "content": c} for r, c in t] for n, t in CONVERSATIONS.items()}
    text = json.dumps({"conversations": conversations, "templates": templates}, ensure_ascii=False, indent=0)
    (HERE / "rendered.json").write_text(text + "\n")


main()
