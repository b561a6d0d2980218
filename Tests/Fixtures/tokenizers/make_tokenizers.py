"""Makes the tokenizer fixtures: two small trained tokenizers, variants of them, awkward texts, and what the Python
library `tokenizers` makes of those texts. Everything comes from this script; no text of others is used.

Usage: python3 make_tokenizers.py   (tokenizers 0.23.3 made the committed files; writes beside itself)

Files: byte-level.json and sentence-piece.json are the tokenizers. variants.json holds the others as text, with "@vocab@"
and "@merges@" where the text of their base belongs. cases.json holds {"texts": [...], "sets": {NAME: [[text index, ids, decoded or
null when it equals the text, decoded keeping special tokens or null when it equals the other], ...]}}; ids are
differences between neighbours, the first one from 0.
"""
import json
import os
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
RNG = random.Random(20240611)

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")

# --- text -----------------------------------------------------------------------------------------------------------

ONSETS = "b br c ch d f fl g h j k l m n p pl qu r s sh st str t th v w z".split()
VOWELS = "a e i o u ai ea ie oo ou".split()
CODAS = ["", "", "n", "r", "s", "t", "ck", "nd", "ng", "st", "ll", "m"]
WORDS = ["".join(RNG.choice(p) for _ in range(RNG.randint(1, 2)) for p in (ONSETS, VOWELS, CODAS)) for _ in range(900)]
WEIGHTS = [1 / (rank + 3) for rank in range(len(WORDS))]
FOREIGN = ["größer", "naïve", "café", "cafe\u0301", "señor", "Ελλάδα", "привет", "мир", "日本語", "東京", "안녕", "한국어", "שלום",
           "مرحبا", "नमस्ते", "สวัสดี", "Ünï", "łódź", "ı", "İ", "ß", "ŉ"]


def sentence():
    words = RNG.choices(WORDS, WEIGHTS, k=RNG.randint(3, 12))
    if RNG.random() < 0.15:
        words.insert(RNG.randrange(len(words)), RNG.choice(FOREIGN))
    if RNG.random() < 0.3:
        words.insert(RNG.randrange(len(words)), str(RNG.randrange(10 ** RNG.randint(1, 6))))
    if RNG.random() < 0.3:
        words[0] += RNG.choice(["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"])
    words[0] = words[0].capitalize()
    return RNG.choice([" ", " ", " ", "  "]).join(words) + RNG.choice([".", ".", "!", "?", ";", "...", "\n", "\n\n"])


CORPUS = [" ".join(sentence() for _ in range(4)) for _ in range(1500)]

ADDED = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<mask>", "<left>", "<right>", "<word>", "wordy", "ab", "abc",
         "<both sides>", "É", "e\u0301e", "Ωmega", "\n\n\n"]

FRAGMENTS = (
    FOREIGN + ADDED + ["<unk>", "<s>", "</s>", "<0x0A>", "<0xE2>", "▁", "▁▁", "Ġ", "Ċ", "Ā"]
    + ["'s", "'S", "'ſ", "'T", "'re", "'RE", "'rE", "'ve", "'m", "'M", "'ll", "'LL", "'lL", "'d", "'", "''", "’s", "'x"]
    + [" ", "  ", "   ", " " * 17, "\t", "\t\t", "\n", "\n\n", "\r", "\r\n", "\r\n\r\n", "\v", "\f", "\x85", "\xa0", "\u1680",
       "\u2003", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u180e"]
    + ["0", "7", "42", "123", "1234", "1234567", "3.14", "1,000", "٣٤٥", "४२", "Ⅷ", "½", "²", "①", "㊄", "𝟘𝟙", "〇", "௧", "𐒠", "\U00011de0", "\U00016ff4"]
    + ["👍", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇨🇭", "❤️", "❤", "☃", "🧑🏿‍🚀", "1️⃣", "#️⃣", "\U0001fae8"]
    + ["e\u0301", "é", "a\u0328\u0301", "a\u0301\u0328", "q\u0323\u0307", "q\u0307\u0323", "\u0301", "\u0344", "Å", "\u212b", "A\u030a",
       "ﬁ", "ſ", "ﬅ", "Ǆ", "\u0958", "क\u093c", "가", "\u1100\u1161", "\u1100\u1161\u11a8", "각", "\u0f43", "\u2126", "\u1e9b\u0323",
       "\U0001d15e", "\U0001d157\U0001d165", "Z̤͔ͧ̑̓ä͖̭̈̇lͮ̒ͫǧ̗͚̚o̙̔ͮ̇͐̇", "\u08ca\u0301\u0323", "\U00010041\u0301", "a\u0f73\u0301", "a\u0315\u0300\u05ae\u0300", "ㅎㅏㄴ", "\U00011938", "\u1abf\u0323", "a\u1ac5\u0323"]
    + ["\0", "\x01", "\x07", "\x08", "\x1b[31m", "\x7f", "\x80", "\x9f", "\xad"]
    + ["\u202e", "\u202d", "\u200e", "\u200f", "\u2066", "\u2069", "שָׁלוֹם", "السَّلَامُ", "עברית abc", "\u0600\u0661"]
    + ["\ud7ff", "\ue000", "\uf8ff", "\ufdd0", "\ufffd", "\ufffe", "\uffff", "\U00010000", "\U0001ffff", "\U000e0001", "\U000e0020",
       "\U000f0000", "\U0010ffff", "\U000323af", "\U0003134a", "\U0002a6d6", "\u9fff", "\ua7d2", "\u088f", "\U00010940"]
    + [".", ",", "!", "?!", "...", "—", "-", "--", "_", "__init__", "(", ")", "[]", "{}", "</", "/>", "<|", "|>", "&amp;", "\\n", "\"", "`",
       "«", "»", "„", "%", "$", "€", "₿", "@", "#", "^", "~", "=", "+", "∑", "∀x∈ℝ", "http://a.b/c?d=e&f=1", "x@y.z", "C++", "a/b"]
    + ["a" * 70, "ab" * 40, "z" * 300, "日本" * 60, "🙂" * 40, "Ω" * 90, "ha" * 33 + "!", "-" * 80, "\n" * 30, "9" * 60]
)


def scalar():
    while True:
        value = RNG.choice([
            lambda: RNG.randrange(0x80), lambda: RNG.randrange(0x250), lambda: RNG.randrange(0x300, 0x370),
            lambda: RNG.randrange(0x3000), lambda: RNG.randrange(0x10000), lambda: RNG.randrange(0x10000, 0x20000),
            lambda: RNG.randrange(0x110000)])()
        if not 0xD800 <= value < 0xE000:
            return chr(value)


def awkward():
    kind = RNG.random()
    if kind < 0.45:
        return "".join(RNG.choice(FRAGMENTS) for _ in range(RNG.randint(2, 5)))
    if kind < 0.6:
        return RNG.choice(["", " "]).join(RNG.choice(FRAGMENTS + WORDS[:120]) for _ in range(RNG.randint(2, 6)))
    if kind < 0.75:
        return "".join(scalar() for _ in range(RNG.randint(1, 12)))
    if kind < 0.85:
        return "".join(RNG.choice(" \t\n\r\xa0\u3000a1'.é") for _ in range(RNG.randint(2, 14)))
    if kind < 0.93:
        return "".join(RNG.choice(ADDED + [" ", "  ", "\n", "a", "_", "é", "."]) for _ in range(RNG.randint(2, 7)))
    return sentence()


TEXTS = list(dict.fromkeys(["", " ", "  "] + FRAGMENTS + [" " + f for f in FRAGMENTS] + [f + "a" for f in FRAGMENTS]))
while len(TEXTS) < 2150:
    text = awkward()
    # Long repetitions are kept alone; combined they only make the file large.
    if text not in TEXTS and len(text) <= 60:
        TEXTS.append(text)

# --- tokenizers -----------------------------------------------------------------------------------------------------


def train(tokenizer, trainer):
    tokenizer.train_from_iterator(CORPUS, trainer)
    return json.loads(tokenizer.to_str())


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    train(tokenizer, trainers.BpeTrainer(
        vocab_size=760, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    tokenizer.add_special_tokens(["<|im_start|>", "<|im_end|>", AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer.add_tokens([
        AddedToken("<left>", lstrip=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=False),
        AddedToken("<both sides>", lstrip=True, rstrip=True, normalized=False),
        AddedToken("<word>", single_word=True, normalized=False), AddedToken("wordy", single_word=True, normalized=True),
        AddedToken("ab", normalized=False), AddedToken("abc", normalized=False, single_word=True),
        AddedToken("É", normalized=True), AddedToken("e\u0301e", normalized=True), AddedToken("Ωmega", normalized=False),
        AddedToken("\n\n\n", normalized=False)])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return json.loads(tokenizer.to_str())


def sentence_piece():
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    learned = train(trained, trainers.BpeTrainer(vocab_size=620, show_progress=False))["model"]
    texts = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    texts += [t for t in sorted(learned["vocab"], key=learned["vocab"].get) if t not in texts]
    tokenizer = Tokenizer(models.BPE(
        vocab={t: i for i, t in enumerate(texts)}, merges=[tuple(m) for m in learned["merges"]], unk_token="<unk>",
        fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = trained.normalizer
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer.add_tokens([
        AddedToken("<left>", lstrip=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=True),
        AddedToken("<word>", single_word=True, normalized=False), AddedToken("wordy", single_word=True, normalized=True),
        AddedToken("Ωmega", normalized=True)])
    return json.loads(tokenizer.to_str())


def changed(base, **changes):
    """A copy of a tokenizer with other components; those of the model are given by their names."""
    result = json.loads(json.dumps(base))
    for key, value in changes.items():
        (result if key in result else result["model"])[key] = value
    return result


BYTES = byte_level()
SPACES = sentence_piece()
LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def split(pattern, behavior="Isolated", invert=False):
    return {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}, LEVEL]}


def metaspace(scheme, splits):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": splits}


def without(model, *texts):
    """The SentencePiece vocabulary without some byte tokens, so that unknown symbols occur."""
    kept = [t for t in sorted(model["vocab"], key=model["vocab"].get) if t not in texts]
    return {t: i for i, t in enumerate(kept)}


SPACES_ADDED = SPACES["added_tokens"]
REPLACE = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
HOLES = without(SPACES["model"], "<0xC3>", "<0xE2>", "<0x00>", "<0xF0>")
NO_BYTES = without(SPACES["model"], *[f"<0x{b:02X}>" for b in range(256)])
TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
               {"SpecialToken": {"id": "</s>", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]},
                       "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}}

# What each variant changes in its base.
VARIANTS = {
    "gpt2-prefix": ("byte-level", {"pre_tokenizer": {**LEVEL, "add_prefix_space": True, "use_regex": True}}),
    "gpt2-split": ("byte-level", {"pre_tokenizer": split(GPT2, "Removed", True)}),
    "llama3": ("byte-level", {"pre_tokenizer": split(LLAMA3), "ignore_merges": True}),
    "qwen2": ("byte-level", {"pre_tokenizer": split(QWEN2), "normalizer": {"type": "NFC"}}),
    "nfd": ("byte-level", {"pre_tokenizer": split(QWEN2), "normalizer": {"type": "NFD"}}),
    "smollm": ("byte-level", {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": True}, {**LEVEL, "use_regex": True}]}}),
    "digit-runs": ("byte-level", {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": False}, {**LEVEL, "use_regex": True}]}}),
    "legacy-merges": ("byte-level", {"merges": ["#version: 0.2"] + [" ".join(m) for m in BYTES["model"]["merges"]]}),
    "metaspace-first": ("sentence-piece", {
        "normalizer": None, "pre_tokenizer": metaspace("first", False), "decoder": metaspace("first", False)}),
    "metaspace-always": ("sentence-piece", {
        "normalizer": None, "pre_tokenizer": metaspace("always", True), "decoder": metaspace("always", True)}),
    "metaspace-never": ("sentence-piece", {
        "normalizer": None, "pre_tokenizer": metaspace("never", True), "decoder": metaspace("never", True)}),
    "gemma": ("sentence-piece", {
        "normalizer": REPLACE, "pre_tokenizer": {
            "type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]}}),
    "split-next": ("sentence-piece", {"normalizer": None, "pre_tokenizer": {
        "type": "Split", "pattern": {"String": "a"}, "behavior": "MergedWithNext", "invert": False}}),
    "split-contiguous": ("sentence-piece", {"normalizer": None, "pre_tokenizer": {
        "type": "Split", "pattern": {"String": "a"}, "behavior": "Contiguous", "invert": True}}),
    "split-removed": ("sentence-piece", {"normalizer": None, "pre_tokenizer": {
        "type": "Split", "pattern": {"String": "e"}, "behavior": "Removed", "invert": False}, "ignore_merges": True}),
    "holes": ("sentence-piece", {"vocab": HOLES}),
    "holes-unfused": ("sentence-piece", {"vocab": HOLES, "fuse_unk": False}),
    "no-bytes": ("sentence-piece", {"vocab": NO_BYTES, "byte_fallback": False}),
    "no-unknown": ("sentence-piece", {"vocab": NO_BYTES, "byte_fallback": False, "unk_token": None, "decoder": None}),
    "template": ("sentence-piece", {"post_processor": TEMPLATE}),
}
BASES = {"byte-level": BYTES, "sentence-piece": SPACES}


def renumbered(value):
    """Added tokens numbered as the vocabulary of this variant demands."""
    vocabulary = value["model"]["vocab"]
    free = len(vocabulary)
    for token in value["added_tokens"]:
        token["id"] = vocabulary.get(token["content"], free)
        free = max(free, token["id"] + 1)
    return value


def abridged(value, base):
    """The JSON text of a variant, with a mark in place of a vocabulary or merges equal to those of its base."""
    value = json.loads(json.dumps(value))
    for key in ("vocab", "merges"):
        if value["model"][key] == base["model"][key]:
            value["model"][key] = f"@{key}@"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def expectations(tokenizer, indices, special):
    rows = []
    for index in indices:
        text = TEXTS[index]
        ids = tokenizer.encode(text, add_special_tokens=special).ids
        plain = tokenizer.decode(ids, skip_special_tokens=True)
        full = tokenizer.decode(ids, skip_special_tokens=False)
        steps = [b - a for a, b in zip([0] + ids, ids)]
        rows.append([index, steps, None if plain == text else plain, None if full == plain else full])
    return rows


def write(name, value):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


sets = {}
everything = range(len(TEXTS))
for name, base in BASES.items():
    write(f"{name}.json", base)
    sets[name] = expectations(Tokenizer.from_str(json.dumps(base)), everything, False)
variants = {}
for name, (base, changes) in VARIANTS.items():
    value = renumbered(changed(BASES[base], **changes))
    variants[name] = {"base": base, "json": abridged(value, BASES[base])}
    sets[name] = expectations(Tokenizer.from_str(json.dumps(value)), sorted(RNG.sample(everything, 330)),
                              name == "template")
write("variants.json", variants)
write("cases.json", {"texts": TEXTS, "sets": sets})
