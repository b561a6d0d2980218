#!/usr/bin/env python3
"""Checks `shoal evaluate` against transformers + peft on models of fresh random shapes, so that no shape is special.

usage: check_architectures.py SHOAL [--architectures NAME,NAME...] [--seed N] [--repeat N] [--keep DIR] [-- OPTION...]
needs: pip install torch transformers peft; OPTIONs after -- are passed on to `shoal evaluate`

For each architecture: a random configuration and random weights (float32, float16 or bfloat16) written by
save_pretrained, a small tokenizer.json, random text, and a LoRA adapter on all linear layers written by peft. Decoders
must give the loss that transformers computes in float64 over the same packed blocks, without the adapter and with it;
encoders the loss and the accuracy over labelled rows, with the adapter that carries their head. Relative tolerance 1e-4.
The seed is the time unless given, and is printed: the same seed, the same models. The largest relative difference of
each architecture comes last. MobileLLM, which transformers does not have, is a Llama there whose layers run twice.
"""
import argparse, json, pathlib, random, shutil, subprocess, sys, tempfile, time, warnings, zlib

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification
from transformers.utils import logging

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests/Fixtures/architectures"))
from make import randomise

TOLERANCE = 1e-4
MERGES = ["t h", "i n", "e r", "a n", "o u", "th e", "Ġ a", "Ġ th", "Ġth e", "in g"]
BOS, EOS = "<bos>", "<eos>"

# --- shapes -----------------------------------------------------------------------------------------------------------


def decoder(pick, vocabulary, **more):
    keys = pick.randint(1, 3)
    heads = keys * pick.randint(1, 3)
    shape = dict(vocab_size=vocabulary, hidden_size=heads * pick.randint(4, 12), intermediate_size=pick.randint(9, 70),
                 num_hidden_layers=pick.randint(1, 4), num_attention_heads=heads, num_key_value_heads=keys,
                 head_dim=2 * pick.randint(2, 9), max_position_embeddings=pick.randint(60, 200),
                 tie_word_embeddings=pick.random() < 0.5, rms_norm_eps=pick.choice([1e-6, 1e-5]),
                 rope_parameters=rope(pick))
    return shape | more


def without_head_dim(shape, pick):
    """For architectures whose head size follows from the hidden size."""
    size = shape.pop("head_dim")
    return shape | dict(hidden_size=shape["num_attention_heads"] * size)


def rope(pick, kind="default", **more):
    return dict(rope_type=kind, rope_theta=pick.choice([100.0, 10_000.0, 1e6]), **more)


def window(pick):
    return dict(sliding_window=pick.choice([3, 8, 17, 500]))


def llama(pick, vocabulary):
    shape = decoder(pick, vocabulary, attention_bias=pick.random() < 0.3, mlp_bias=pick.random() < 0.3)
    kind = pick.choice(["default", "linear", "dynamic", "llama3"])
    factor = {} if kind == "default" else dict(factor=pick.uniform(1.5, 8))
    if kind == "dynamic":
        shape["max_position_embeddings"] = pick.randint(8, 80)
    if kind == "llama3":
        factor |= dict(low_freq_factor=1.0, high_freq_factor=pick.uniform(2, 4),
                       original_max_position_embeddings=pick.randint(16, 50))
    return shape | dict(rope_parameters=rope(pick, kind, **factor))


def mobilellm(pick, vocabulary):
    return decoder(pick, vocabulary, layer_sharing=pick.random() < 0.7)


def mistral(pick, vocabulary):
    return decoder(pick, vocabulary) | (window(pick) if pick.random() < 0.7 else dict(sliding_window=None))


def qwen2(pick, vocabulary):
    shape = without_head_dim(decoder(pick, vocabulary), pick)
    return shape | window(pick) | dict(use_sliding_window=False)


def qwen3(pick, vocabulary):
    return decoder(pick, vocabulary, attention_bias=pick.random() < 0.3)


def gemma(pick, vocabulary):
    return decoder(pick, vocabulary, tie_word_embeddings=True)


def gemma3(pick, vocabulary):
    shape = decoder(pick, vocabulary, tie_word_embeddings=True, query_pre_attn_scalar=pick.randint(4, 40)) | window(pick)
    layers = [pick.choice(["sliding_attention", "full_attention"]) for _ in range(shape["num_hidden_layers"])]
    both = dict(full_attention=rope(pick), sliding_attention=dict(rope_type="default", rope_theta=pick.uniform(20, 1e4)))
    if pick.random() < 0.5:
        both["full_attention"] |= dict(rope_type="linear", factor=8.0)
    return shape | dict(layer_types=layers, rope_parameters=both)


def phi(pick, vocabulary):
    shape = without_head_dim(decoder(pick, vocabulary, tie_word_embeddings=False), pick)
    size = pick.choice([8, 16, 24])
    return shape | dict(hidden_size=size * shape["num_attention_heads"],
                        rope_parameters=rope(pick, partial_rotary_factor=pick.choice([0.25, 0.5, 0.75])))


def phi3(pick, vocabulary):
    shape = without_head_dim(decoder(pick, vocabulary), pick)
    return shape | (window(pick) if pick.random() < 0.7 else dict(sliding_window=None)) | dict(
        original_max_position_embeddings=shape["max_position_embeddings"])


def gpt2(pick, vocabulary):
    count = pick.randint(1, 4)
    return dict(vocab_size=vocabulary, n_positions=pick.randint(60, 200), n_embd=count * pick.randint(3, 14),
                n_layer=pick.randint(1, 4), n_head=count, n_inner=pick.choice([None, pick.randint(9, 70)]))


def bert(pick, vocabulary):
    count = pick.randint(1, 4)
    return dict(vocab_size=vocabulary, hidden_size=count * pick.randint(4, 14), num_hidden_layers=pick.randint(1, 4),
                num_attention_heads=count, intermediate_size=pick.randint(9, 70),
                max_position_embeddings=pick.randint(70, 150))


def distilbert(pick, vocabulary):
    count = pick.randint(1, 4)
    return dict(vocab_size=vocabulary, dim=count * pick.randint(4, 14), n_layers=pick.randint(1, 4), n_heads=count,
                hidden_dim=pick.randint(9, 70), max_position_embeddings=pick.randint(70, 150))


def mobilebert(pick, vocabulary):
    count = pick.randint(1, 4)
    return dict(vocab_size=vocabulary, hidden_size=pick.randint(10, 40), embedding_size=pick.randint(4, 16),
                num_hidden_layers=pick.randint(1, 3), num_attention_heads=count,
                intra_bottleneck_size=count * pick.randint(4, 8), intermediate_size=pick.randint(9, 40),
                num_feedforward_networks=pick.randint(1, 4), max_position_embeddings=pick.randint(70, 150))


DECODERS = dict(llama=llama, mobilellm=mobilellm, mistral=mistral, qwen2=qwen2, qwen3=qwen3, gemma=gemma,
                gemma3_text=gemma3, phi=phi, phi3=phi3, gpt2=gpt2)
ENCODERS = dict(bert=bert, distilbert=distilbert, mobilebert=mobilebert)

# --- text and tokenizers ----------------------------------------------------------------------------------------------


def texts(pick, count):
    words = ["".join(pick.choices("abcdefghiklmnorstuwäß", k=pick.randint(1, 7))) for _ in range(60)]
    return [" ".join(pick.choices(words, k=pick.randint(1, 30))).capitalize() + pick.choice(".!?") for _ in range(count)]


def byte_level():
    pieces = sorted(pre_tokenizers.ByteLevel.alphabet()) + [merge.replace(" ", "") for merge in MERGES]
    tokenizer = Tokenizer(models.BPE(
        {piece: i for i, piece in enumerate(pieces)}, [tuple(merge.split(" ")) for merge in MERGES]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([BOS, EOS])
    return tokenizer


def word_piece(rows):
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + list("abcdefghiklmnorstuw.!?")
    pieces += ["##" + c for c in "abcdefghiklmnorstuw"] + sorted({w.lower() for row in rows for w in row.split()[1:9:2]})
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])])
    tokenizer.add_special_tokens(pieces[:5])
    return tokenizer


# --- what transformers computes ---------------------------------------------------------------------------------------


@torch.no_grad()
def packed_loss(model, tokenizer, rows, length):
    """Each text as BOS + tokens + EOS, joined, cut into blocks, the remainder dropped."""
    begin, end = ([i] if i is not None else [] for i in (model.config.bos_token_id, model.config.eos_token_id))
    ids = [i for row in rows for i in begin + tokenizer.encode(row, add_special_tokens=False).ids + end]
    blocks = torch.tensor(ids[:len(ids) // length * length]).view(-1, length)
    # Block by block: dynamic rotary scaling depends on the longest sequence seen.
    return sum(model(input_ids=block[None], labels=block[None]).loss.item() for block in blocks) / len(blocks)


@torch.no_grad()
def labelled_loss(model, tokenizer, rows, labels, length):
    """Row by row, so that nothing depends on padding."""
    tokenizer.enable_truncation(length)
    logits = torch.cat([model(input_ids=torch.tensor([tokenizer.encode(row).ids])).logits for row in rows])
    labels = torch.tensor(labels)
    return (torch.nn.functional.cross_entropy(logits, labels).item(),
            (logits.argmax(-1) == labels).double().mean().item())


def twice(layer):
    """The layer, run two times in a row."""
    once = layer.forward
    layer.forward = lambda hidden, *arguments, **more: once(once(hidden, *arguments, **more), *arguments, **more)


# --- one model --------------------------------------------------------------------------------------------------------


class Case:
    def __init__(self, shoal, options, kind, seed, folder):
        self.shoal, self.options, self.kind, self.folder = shoal, options, kind, pathlib.Path(folder)
        self.pick = random.Random(f"{kind} {seed}")
        self.generator = torch.Generator().manual_seed(zlib.crc32(f"{kind} {seed}".encode()))
        torch.manual_seed(seed)
        self.failures, self.largest = 0, 0.0
        self.ours = self.folder

    def save(self, auto, config, tokenizer, rows):
        model = auto.from_config(config)
        randomise(model, self.kind, self.generator)
        if self.kind == "mobilebert":  # Else a row's result would depend on whether padding stands beside it.
            model.mobilebert.embeddings.word_embeddings.weight.data[config.pad_token_id] = 0
        self.dtype = self.pick.choice([torch.float32, torch.float16, torch.bfloat16])
        model.to(self.dtype).save_pretrained(self.folder)
        tokenizer.save(str(self.folder / "tokenizer.json"))
        with open(self.folder / "data.jsonl", "w") as f:
            f.writelines(json.dumps(row) + "\n" for row in rows)
        self.load = lambda: self.shared(auto.from_pretrained(
            self.folder, dtype=torch.float32, attn_implementation="eager").double().eval())
        if self.kind == "mobilellm":
            self.save_as_mobilellm()

    def shared(self, model):
        if getattr(model.config, "layer_sharing", False):
            model.config.use_cache = False  # It keeps one layer's keys and values once.
            for layer in model.model.layers:
                twice(layer)
        return model

    def save_as_mobilellm(self):
        """The same weights under the configuration that the published checkpoints have."""
        self.ours = self.folder / "published"
        self.ours.mkdir()
        for name in ["model.safetensors", "tokenizer.json"]:
            shutil.copy(self.folder / name, self.ours)
        config = json.loads((self.folder / "config.json").read_text())
        config |= dict(model_type="mobilellm", architectures=["MobileLLMForCausalLM"], tie_word_embeddings=False,
                       share_embedding=config["tie_word_embeddings"])
        (self.ours / "config.json").write_text(json.dumps(config))

    def save_adapter(self, task, labels=None):
        targets = "all-linear" if task == "CAUSAL_LM" else dict(
            bert=["query", "key", "value", "dense"], mobilebert=["query", "key", "value", "dense"],
            distilbert=["q_lin", "k_lin", "v_lin", "out_lin", "lin1", "lin2"])[self.kind]
        tuned = get_peft_model(self.load(), LoraConfig(
            r=self.pick.randint(1, 6), lora_alpha=8, target_modules=targets, task_type=task,
            fan_in_fan_out=self.kind == "gpt2"))
        for name, p in tuned.named_parameters():
            if p.requires_grad and ("lora_B" in name or "classifier" in name):
                p.data = 0.3 * torch.randn(p.shape, generator=self.generator, dtype=p.dtype)
        path = self.folder / "adapter"
        tuned.float().save_pretrained(path, save_embedding_layers=False)
        if labels:
            (path / "labels.json").write_text(json.dumps(labels))
        return PeftModel.from_pretrained(self.load(), path).double().eval()

    def evaluate(self, length, *more):
        command = [self.shoal, "evaluate", "--model", str(self.ours), "--data", str(self.folder / "data.jsonl"),
                   "--sequence-length", str(length), "--json", *more, *self.options]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            return {"error": (result.stderr.strip().splitlines() or [f"ended with {result.returncode}"])[-1]}
        return json.loads(result.stdout.splitlines()[-1])

    def compare(self, what, theirs, result):
        """`theirs`: the keys of `evaluate --json` that must agree."""
        difference = max(abs(result.get(key, float("inf")) - value) / max(1e-3, abs(value))
                         for key, value in theirs.items())
        self.largest = max(self.largest, difference)
        agrees = difference <= TOLERANCE
        self.failures += not agrees
        ours = result.get("error") or ", ".join(f"{key} {result.get(key)}" for key in theirs)
        wanted = ", ".join(f"{key} {value:.6f}" for key, value in theirs.items())
        print(f"{self.kind} {what} ({str(self.dtype)[6:]}): transformers {wanted}; shoal {ours}: "
              f"{'agree' if agrees else 'DIFFER'}", flush=True)

    def causal(self):
        tokenizer, rows, length = byte_level(), texts(self.pick, 12), self.pick.randint(16, 60)
        used = tokenizer.get_vocab_size()
        ids = dict(bos_token_id=self.pick.choice([None, tokenizer.token_to_id(BOS)]),
                   eos_token_id=tokenizer.token_to_id(EOS), pad_token_id=0)
        shape = DECODERS[self.kind](self.pick, used + self.pick.randint(0, 40)) | ids
        rotary = shape.get("rope_parameters", {})
        if rotary.get("rope_type") == "dynamic":  # Made for lengths up to this one.
            length = min(length, int(rotary["factor"] * shape["max_position_embeddings"]))
        config = AutoConfig.for_model("llama" if self.kind == "mobilellm" else self.kind, **shape)
        self.save(AutoModelForCausalLM, config, tokenizer, [dict(text=row) for row in rows])
        model = self.load()
        self.compare("alone", dict(loss=packed_loss(model, tokenizer, rows, length)), self.evaluate(length))
        self.compare("with an adapter",
                     dict(loss=packed_loss(self.save_adapter("CAUSAL_LM"), tokenizer, rows, length)),
                     self.evaluate(length, "--adapter", str(self.folder / "adapter")))

    def classification(self):
        rows, length, classes = texts(self.pick, 40), self.pick.randint(16, 60), self.pick.randint(2, 5)
        tokenizer, names = word_piece(rows), [f"class {i}" for i in range(classes)]
        labels = [self.pick.randrange(classes) for _ in rows]
        config = AutoConfig.for_model(
            self.kind, **ENCODERS[self.kind](self.pick, tokenizer.get_vocab_size() + self.pick.randint(0, 40)),
            id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)}, pad_token_id=0)
        self.save(AutoModelForSequenceClassification, config, tokenizer,
                  [dict(text=row, label=names[label]) for row, label in zip(rows, labels)])
        loss, accuracy = labelled_loss(self.save_adapter("SEQ_CLS", names), tokenizer, rows, labels, length)
        self.compare("with an adapter", dict(loss=loss, accuracy=accuracy, examples=len(rows)),
                     self.evaluate(length, "--adapter", str(self.folder / "adapter")))


def main():
    arguments = sys.argv[1:]
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shoal")
    parser.add_argument("--architectures", default=",".join(DECODERS | ENCODERS))
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--keep", help="keep the models in this folder")
    given = parser.parse_args(arguments[:cut])
    warnings.simplefilter("ignore")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    kinds = given.architectures.split(",")
    unknown = [kind for kind in kinds if kind not in DECODERS | ENCODERS]
    if unknown:
        parser.error(f"{', '.join(unknown)}: not among {', '.join(DECODERS | ENCODERS)}")
    print("seed", given.seed)
    failures, largest = 0, dict.fromkeys(kinds, 0.0)
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(given.seed, given.seed + given.repeat):
            for kind in kinds:
                case = Case(given.shoal, arguments[cut + 1:], kind, seed, f"{given.keep or scratch}/{kind}-{seed}")
                case.causal() if kind in DECODERS else case.classification()
                failures += case.failures
                largest[kind] = max(largest[kind], case.largest)
    print("largest relative differences: " + ", ".join(f"{kind} {value:.1e}" for kind, value in largest.items()))
    print(f"{failures} differ" if failures else "all agree")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
