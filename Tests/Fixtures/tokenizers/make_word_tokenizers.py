"""Makes words.json: WordPiece and Unigram tokenizers, variants of them, and what the Python library `tokenizers` makes of
the awkward texts of cases.json, of texts in more scripts, of every Unicode scalar and of a large text. Everything comes
from this script and make_tokenizers.py; no text of others is used.

Usage: python3 make_word_tokenizers.py [--train]   (tokenizers 0.23.3 made the committed file; reads and writes beside
itself). With --train both vocabularies are learned anew; otherwise they are taken from words.json, since the trainers
break ties at random.

words.json holds
  parts       texts to put in place of their names in the tokenizers below: the large ones, which are shared
  texts       awkward texts, which follow those of cases.json
  large       how to make the large texts: see large_text
  tokenizers  NAME: {json, special (whether special tokens are added), maximum (length, or null), groups, large}, where
              groups are hashes of fifty texts each and large is the hash for the large text, or null
  rows        NAME: [[text index, ids, decoded, decoded with special tokens], ...] for some of them
  scalars     NAME: {json, hash}, the hash that of the ids of every scalar, by scalar_texts
  older       NAME: hash of the large text for the tokenizers of make_tokenizers.py
A hash is SHA-256, cut to twelve hexadecimal digits, of little-endian 32-bit numbers and UTF-8; see digest.
"""
import base64
import hashlib
import json
import os
import random
import struct
import sys

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, trainers

HERE = os.path.dirname(os.path.abspath(__file__))
RNG = random.Random(20251121)

# --- text -----------------------------------------------------------------------------------------------------------

ONSETS = "b br c ch d f fl g h j k l m n p pl qu r s sh st str t th v w z".split()
VOWELS = "a e i o u ai ea ie oo ou".split()
CODAS = ["", "", "n", "r", "s", "t", "ck", "nd", "ng", "st", "ll", "m", "ed", "ing", "er", "ly"]
WORDS = ["".join(RNG.choice(p) for _ in range(RNG.randint(1, 3)) for p in (ONSETS, VOWELS, CODAS)) for _ in range(700)]
WEIGHTS = [1 / (rank + 3) for rank in range(len(WORDS))]
SCRIPTS = [
    "größer straße ÄÖÜ", "naïve café señor İstanbul ığdır", "łódź žluťoučký kůň", "Ελλάδα καλημέρα ΆΈΉ ς Σ", "привет мир ёлка Йод",
    "Հայաստան բարեւ", "გამარჯობა ᲓᲦᲔ", "שָׁלוֹם עולם", "مرحبا بالعالم السَّلَامُ", "नमस्ते दुनिया क्षेत्र", "বাংলা ভাষা",
    "தமிழ் வணக்கம்", "తెలుగు నమస్కారం", "ಕನ್ನಡ", "മലയാളം", "සිංහල", "ไทยสวัสดีน้ำ", "ລາວ", "မြန်မာ", "ខ្មែរ", "བོད་ཡིག",
    "አማርኛ ሰላም", "日本語の文章です。東京タワー", "ﾊﾝｶｸ カタカナ ガ", "中文汉字，没有空格", "㐀㐁 𠀀𪜀 豈更", "한국어 안녕하세요", "ㅎㅏㄴ 각",
    "ᏣᎳᎩ ꮳꮃꭹ", "ᚠᚢᚦ", "𐌰𐌱𐌲", "ᠮᠣᠩᠭᠣᠯ", "ⴰⵎⴰⵣⵉⵖ", "ᐃᓄᒃᑎᑐᑦ", "𝒜𝓫𝔠 ℕℤ ﬁﬂ ½ ① ㍿ ｆｕｌｌ　ｗｉｄｔｈ",
]


def sentence():
    words = RNG.choices(WORDS, WEIGHTS, k=RNG.randint(3, 12))
    if RNG.random() < 0.2:
        words.insert(RNG.randrange(len(words)), RNG.choice(SCRIPTS))
    if RNG.random() < 0.3:
        words.insert(RNG.randrange(len(words)), str(RNG.randrange(10 ** RNG.randint(1, 5))))
    if RNG.random() < 0.2:
        words.insert(RNG.randrange(len(words)), RNG.choice(["don't", "isn't", "I'm", "they've", "we're", "it's", "(so)", "a-b"]))
    words[0] = words[0].capitalize()
    return " ".join(words) + RNG.choice([".", ".", "!", "?", ";", ", ", " ..."])


CORPUS = [" ".join(sentence() for _ in range(4)) for _ in range(1200)]

with open(os.path.join(HERE, "cases.json"), encoding="utf-8") as file:
    OLD_TEXTS = json.load(file)["texts"]
BERT = ["[CLS]", "[SEP]", "[MASK]", " [MASK] ", "[PAD]", "[UNK]", "[unk]", "<s>", "</s>", "<unk>", "[cls]", "##a", "a##b", "##"]
PIECES = BERT + SCRIPTS + WORDS[:60] + [
    " do not ", "do n't", "is n't", " ' ", "'s", "'ve", "'re", "'m", " .", " ?", " !", " ,", "...", "--", "¿", "。", "、", "，", "·", "§",
    "\x00", "\x01", "\x7f", "\x85", "\xa0", "\u200b", "\u200d", "\u2028", "\u3000", "\ufeff", "\ufffd", "\ue000", "\r\n", "\r", "\n", "\t",
    "☃", "☃☃", "☃☃☃", "⚡", "👍🏽", "👩‍👩‍👧", "e\u0301", "a\u0328\u0301", "\u0301", "\u06001", "\u110b\u1161", "क\u094dष", "x" * 99, "x" * 100, "x" * 101,
    "é" * 100, "é" * 101, "``", "''", "▁", "▁▁", " ▁", "  ", "   ", "🇨🇭🇨", "\u1100\u1161\u11a8", "ｱﾞ", "ＡＢＣ", "1²", "x\u0345"]


def awkward():
    return RNG.choice(["", " ", " ", "  "]).join(RNG.choice(PIECES) for _ in range(RNG.randint(1, 6)))


TEXTS = list(dict.fromkeys(PIECES + CORPUS[:60] + [CORPUS[i] + " " + CORPUS[i + 1] for i in range(20)]))
while len(TEXTS) < 800:
    text = awkward()
    if text not in TEXTS and len(text) < 120:
        TEXTS.append(text)
ALL = OLD_TEXTS + TEXTS

LARGE = {
    "words": WORDS[:300] + [w.capitalize() for w in WORDS[:40]] + [w for s in SCRIPTS for w in s.split()]
    + ["42", "1999", "3.14", "don't", "it's", "☃", "👍🏽", "e\u0301a", "(", ")", "\"", "—", "\n", "x" * 120],
    "separators": [" ", " ", " ", " ", " ", " ", ", ", ". ", "  ", "-", "\n"],
    "count": 120000,
    "letters": 200000,
}


def large_text():
    """Words and separators drawn by a linear congruential generator, then one word of many letters drawn likewise."""
    state = 1
    parts = []

    def draw(count):
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (state >> 33) % count

    for _ in range(LARGE["count"]):
        parts.append(LARGE["words"][draw(len(LARGE["words"]))])
        parts.append(LARGE["separators"][draw(len(LARGE["separators"]))])
    parts.append("".join(chr(97 + draw(26)) for _ in range(LARGE["letters"])))
    return "".join(parts)


# --- a table of replacements as SentencePiece precompiles them --------------------------------------------------------


def precompiled(replacements):
    """The double-array trie in the layout of darts-clone, and the replacements, each with a zero byte after it."""
    text = b""
    places = {}
    for target in dict.fromkeys(replacements.values()):
        places[target] = len(text)
        text += target.encode() + b"\0"
    tree = {}
    for key, target in replacements.items():
        node = tree
        for byte in key.encode():
            node = node.setdefault(byte, {})
        node[0] = places[target]
    units = {0: 0}
    bases = set()
    queue = [(0, tree)]
    while queue:
        index, node = queue.pop(0)
        base = 1
        while base in bases or any(base ^ label in units for label in node):
            base += 1
        bases.add(base)
        units[index] |= (index ^ base) << 10 | (1 << 8 if 0 in node else 0)
        for label, child in node.items():
            units[base ^ label] = (1 << 31 | child) if label == 0 else label
        queue += [(base ^ label, child) for label, child in node.items() if label]
    count = (max(units) | 0xFF) + 1
    trie = b"".join(struct.pack("<I", units.get(i, 0)) for i in range(count))
    return struct.pack("<I", len(trie)) + trie + text


REPLACEMENTS = {"\t": " ", "\n": " ", "\r": " ", "\x01": "", "\x7f": "", "\xa0": " ", "\u200b": " ", "\u3000": " ", "\ufeff": "",
                "ﬁ": "fi", "½": "1⁄2", "①": "1", "㍿": "株式会社", "²": "2", "e\u0301": "é", "a\u0328": "ą", "\u1100\u1161": "가",
                "ｱﾞ": "ア\u3099", "ſ": "s", "Å": "Å", "क\u093c": "क़", "…": "...", "İ": "İ"}
REPLACEMENTS |= {chr(0xFF01 + i): chr(0x21 + i) for i in range(94)}
CHARSMAP = precompiled(REPLACEMENTS)

# --- tokenizers -------------------------------------------------------------------------------------------------------


def component(kind, **options):
    return {"type": kind, **options}


def sequence(kind, *members):
    return {"type": "Sequence", kind: list(members)}


def tokenizer(model, **parts):
    empty = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
             "pre_tokenizer": None, "post_processor": None, "decoder": None}
    return {**empty, **parts, "model": model}


def added(vocabulary, tokens):
    result = []
    free = len(vocabulary)
    for content, options in tokens:
        number = vocabulary.get(content, free)
        free = max(free, number + 1)
        result.append({"id": number, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
                       "normalized": False, "special": False, **options})
    return result


def template(before, after, vocabulary):
    special = lambda name: {"SpecialToken": {"id": name, "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    return {"type": "TemplateProcessing", "single": [special(n) for n in before] + [text] + [special(n) for n in after],
            "pair": [text, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {n: {"id": n, "ids": [vocabulary[n]], "tokens": [n]} for n in before + after}}


def bert(clean=True, chinese=True, accents=None, lower=True):
    return component("BertNormalizer", clean_text=clean, handle_chinese_chars=chinese, strip_accents=accents, lowercase=lower)


SPECIAL = {"special": True}


def train_word_piece():
    trained = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    trained.normalizer = normalizers.BertNormalizer(lowercase=False)
    trained.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trained.train_from_iterator(CORPUS + [c.lower() for c in CORPUS], trainers.WordPieceTrainer(
        vocab_size=1400, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    vocabulary = json.loads(trained.to_str())["model"]["vocab"]
    return {t: i for i, t in enumerate(sorted(vocabulary, key=lambda t: (not t.startswith("["), t)))}


def train_unigram():
    trained = Tokenizer(models.Unigram())
    trained.normalizer = normalizers.Precompiled(CHARSMAP)
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.train_from_iterator(CORPUS, trainers.UnigramTrainer(
        vocab_size=900, special_tokens=["<pad>", "</s>", "<unk>", "<s>"], unk_token="<unk>", show_progress=False))
    # Three digits do, and leave near ties out.
    return [[t, round(s, 3)] for t, s in json.loads(trained.to_str())["model"]["vocab"]]


if "--train" in sys.argv:
    WP, UNI = train_word_piece(), train_unigram()
else:
    with open(os.path.join(HERE, "words.json"), encoding="utf-8") as file:
        LEARNED = json.load(file)["parts"]
    WP, UNI = json.loads(LEARNED["word vocabulary"]), json.loads(LEARNED["scores"])
UNI_IDS = {t: i for i, (t, _) in enumerate(UNI)}
BYTE_PIECES = [[f"<0x{b:02X}>", -20.0] for b in range(256)]
UNI_BYTES = UNI + BYTE_PIECES
UNI_HOLES = UNI + [p for p in BYTE_PIECES if p[0] not in ("<0xE2>", "<0xF0>", "<0x00>")]
POSITIVE = [["<unk>", 30.0], ["a", 30.0], ["☃☃", 30.0], ["b", 31.5], ["▁", 35.0], ["ab", 62.0], ["ba", 61.0]]
MAP = component("Precompiled", precompiled_charsmap=base64.b64encode(CHARSMAP).decode())


def word_piece(vocabulary=WP, prefix="##", longest=100, unknown="[UNK]", **parts):
    standard = {
        "added_tokens": added(vocabulary, [
            ("[PAD]", SPECIAL), ("[UNK]", SPECIAL), ("[CLS]", SPECIAL), ("[SEP]", SPECIAL),
            ("[MASK]", {"special": True, "lstrip": True}), ("WordY", {"normalized": True, "single_word": True}), ("Ünï", {"normalized": True})]),
        "normalizer": bert(), "pre_tokenizer": component("BertPreTokenizer"),
        "post_processor": template(["[CLS]"], ["[SEP]"], vocabulary),
        "decoder": component("WordPiece", prefix="##", cleanup=True)}
    model = {"type": "WordPiece", "unk_token": unknown, "continuing_subword_prefix": prefix,
             "max_input_chars_per_word": longest, "vocab": vocabulary}
    return tokenizer(model, **{**standard, **parts})


def metaspace(scheme="always", split=True):
    return component("Metaspace", replacement="▁", prepend_scheme=scheme, split=split)


def replace(pattern, content, kind="String"):
    return component("Replace", pattern={kind: pattern}, content=content)


def unigram(vocabulary=UNI, fallback=False, **parts):
    ids = {t: i for i, (t, _) in enumerate(vocabulary)}
    standard = {
        "added_tokens": added(ids, [(t, SPECIAL) for t in ("<pad>", "</s>", "<unk>", "<s>") if t in ids]
                              + [("<mask>", {"special": True, "lstrip": True}), ("[MASK]", {"normalized": True})]),
        "normalizer": MAP, "pre_tokenizer": metaspace(), "decoder": metaspace(),
        "post_processor": template([], ["</s>"], ids) if "</s>" in ids else None}
    model = {"type": "Unigram", "unk_id": ids["<unk>"], "byte_fallback": fallback, "vocab": vocabulary}
    return tokenizer(model, **{**standard, **parts})


SPLIT = component("WhitespaceSplit")
FALLBACK_DECODER = sequence("decoders", replace("▁", " "), component("ByteFallback"), component("Fuse"),
                            component("Strip", content=" ", start=1, stop=0))
XLMR = sequence("normalizers", MAP, component("Strip", strip_left=False, strip_right=True), replace(" {2,}", "▁", "Regex"))
ALBERT = sequence("normalizers", replace("``", "\""), replace("''", "\""), component("NFKD"), component("StripAccents"),
                  component("Lowercase"), MAP)
NO_SPLIT = sequence("normalizers", component("Prepend", prepend="▁"), replace(" ", "▁"))

TOKENIZERS = {
    "word-piece": word_piece(),
    "cased": word_piece(normalizer=bert(lower=False)),
    "accents-only": word_piece(normalizer=bert(accents=True, lower=False)),
    "lower-only": word_piece(normalizer=bert(accents=False)),
    "unclean": word_piece(normalizer=bert(clean=False)),
    "no-ideographs": word_piece(normalizer=bert(chinese=False)),
    "nfkc": word_piece(normalizer=component("NFKC")),
    "nfkd": word_piece(normalizer=component("NFKD")),
    "nfd-strip": word_piece(normalizer=sequence("normalizers", component("NFD"), component("StripAccents"), component("Lowercase"))),
    "lower": word_piece(normalizer=component("Lowercase")),
    "strip": word_piece(normalizer=component("Strip", strip_left=True, strip_right=True)),
    "strip-left": word_piece(normalizer=component("Strip", strip_left=True, strip_right=False)),
    "nmt": word_piece(normalizer=component("Nmt")),
    "prepend": word_piece(normalizer=component("Prepend", prepend="ab")),
    "charsmap": word_piece(normalizer=MAP),
    "whitespace": word_piece(pre_tokenizer=component("Whitespace")),
    "whitespace-split": word_piece(pre_tokenizer=SPLIT),
    "no-pre-tokenizer": word_piece(pre_tokenizer=None),
    "punctuation": word_piece(pre_tokenizer=component("Punctuation", behavior="Isolated")),
    **{f"punctuation-{b}": word_piece(pre_tokenizer=sequence("pretokenizers", SPLIT, component("Punctuation", behavior=b)))
       for b in ("Removed", "Contiguous", "MergedWithPrevious", "MergedWithNext")},
    "digits": word_piece(pre_tokenizer=sequence(
        "pretokenizers", component("Whitespace"), component("Digits", individual_digits=True))),
    "bert-processing": word_piece(post_processor=component("BertProcessing", sep=["[SEP]", 3], cls=["[CLS]", 2])),
    "roberta-processing": word_piece(post_processor=component(
        "RobertaProcessing", sep=["[SEP]", 3], cls=["[CLS]", 2], trim_offsets=True, add_prefix_space=False)),
    "processors": word_piece(post_processor=sequence(
        "processors", component("ByteLevel", add_prefix_space=True, trim_offsets=False, use_regex=True), template(["[CLS]"], ["[SEP]", "[SEP]"], WP))),
    "no-cleanup": word_piece(decoder=component("WordPiece", prefix="##", cleanup=False)),
    "no-decoder": word_piece(decoder=None),
    "short-words": word_piece(longest=6),
    "no-prefix": word_piece(prefix=""),
    "strange-prefix": word_piece(prefix="a", unknown="[MASK]"),
    "unigram": unigram(),
    "bytes": unigram(UNI_BYTES, True, decoder=FALLBACK_DECODER),
    "byte-holes": unigram(UNI_HOLES, True, decoder=FALLBACK_DECODER),
    "positive": unigram(POSITIVE, False),
    "uni-first": unigram(normalizer=None, pre_tokenizer=metaspace("first"), decoder=metaspace("first")),
    "uni-never": unigram(pre_tokenizer=metaspace("never"), decoder=metaspace("never")),
    "uni-whole": unigram(pre_tokenizer=metaspace("always", False)),
    "uni-first-whole": unigram(pre_tokenizer=metaspace("first", False), normalizer=component("NFKC")),
    "xlm-r": unigram(normalizer=XLMR, pre_tokenizer=sequence("pretokenizers", SPLIT, metaspace()),
                     post_processor=template(["<s>"], ["</s>"], UNI_IDS)),
    "albert": unigram(normalizer=ALBERT, pre_tokenizer=sequence("pretokenizers", SPLIT, metaspace())),
    "t5": unigram(pre_tokenizer=sequence("pretokenizers", SPLIT, metaspace())),
    "no-split": unigram(UNI_BYTES, True, normalizer=NO_SPLIT, pre_tokenizer=None, decoder=FALLBACK_DECODER),
    "cut-to-8": word_piece(),
    "cut-to-2": word_piece(),
    "cut-bare": unigram(),
}
LIMITS = {"cut-to-8": 8, "cut-to-2": 2, "cut-bare": 5}
PLAIN = {"cut-bare", "whitespace-split", "uni-never"}
LARGE_FOR = ("word-piece", "unigram", "bytes", "xlm-r")

# Tokenizers that show what each scalar becomes: by its bytes, or by whether it parts a word.
SHOWN_BYTES = {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None,
               "fuse_unk": False, "byte_fallback": True, "ignore_merges": False,
               "vocab": {"<unk>": 0, **{f"<0x{b:02X}>": b + 1 for b in range(256)}}, "merges": []}
SHOWN_WORDS = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
               "vocab": {"[UNK]": 0, "a": 1, "b": 2, "##b": 3}}
SCALARS = {
    **{name: tokenizer(SHOWN_BYTES, normalizer=value) for name, value in {
        "clean": bert(True, False, False, False), "ideographs": bert(False, True, False, False),
        "accents": bert(False, False, True, False), "uncased": bert(), "Lowercase": component("Lowercase"),
        "StripAccents": component("StripAccents"), "Nmt": component("Nmt"), "NFC": component("NFC"), "NFD": component("NFD"),
        "NFKC": component("NFKC"), "NFKD": component("NFKD"), "Precompiled": MAP}.items()},
    **{name: tokenizer(SHOWN_WORDS, pre_tokenizer=sequence("pretokenizers", component("Split", pattern={"String": " "}, behavior="Removed", invert=False), value)) for name, value in {
        "BertPreTokenizer": component("BertPreTokenizer"), "Whitespace": component("Whitespace"),
        "WhitespaceSplit": SPLIT, "Punctuation": component("Punctuation", behavior="Isolated"),
        "Digits": component("Digits", individual_digits=True)}.items()},
}


def scalar_texts():
    """Every scalar between two letters, 256 of them in a text."""
    for start in range(0, 0x110000, 256):
        if not 0xD800 <= start < 0xE000:
            yield "".join(f"a{chr(value)}b " for value in range(start, start + 256))


# --- output -----------------------------------------------------------------------------------------------------------

PARTS = {
    "word vocabulary": WP, "scores": UNI, "scores and bytes": UNI_BYTES, "scores and some bytes": UNI_HOLES,
    "map": MAP["precompiled_charsmap"], "bytes": SHOWN_BYTES["vocab"]}


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def abridged(value):
    text = compact(value)
    for name, part in PARTS.items():
        text = text.replace(compact(part), f"\"@{name}@\"")
    return text


def add_ids(hasher, ids):
    hasher.update(struct.pack(f"<{len(ids) + 1}i", len(ids), *ids))


def digest(hasher):
    return hasher.hexdigest()[:12]


def ids_hash(encodings):
    hasher = hashlib.sha256()
    for ids in encodings:
        add_ids(hasher, ids)
    return digest(hasher)


LARGE_TEXT = large_text()
result = {"parts": {n: compact(p) for n, p in PARTS.items()}, "texts": TEXTS, "large": LARGE,
          "tokenizers": {}, "rows": {}, "scalars": {}, "older": {}}
for name, value in TOKENIZERS.items():
    library = Tokenizer.from_str(json.dumps(value))
    special = name not in PLAIN
    large = ids_hash([library.encode(LARGE_TEXT, add_special_tokens=special).ids]) if name in LARGE_FOR else None
    if name in LIMITS:
        library.enable_truncation(LIMITS[name])
    rows = []
    for index, text in enumerate(ALL):
        ids = library.encode(text, add_special_tokens=special).ids
        rows.append([index, ids, library.decode(ids, skip_special_tokens=True), library.decode(ids, skip_special_tokens=False)])
    groups = []
    for start in range(0, len(rows), 50):
        hasher = hashlib.sha256()
        for _, ids, plain, full in rows[start:start + 50]:
            add_ids(hasher, ids)
            hasher.update(plain.encode() + b"\0" + full.encode() + b"\0")
        groups.append(digest(hasher))
    result["tokenizers"][name] = {"json": abridged(value), "special": special, "maximum": LIMITS.get(name),
                                  "groups": groups, "large": large}
    if name in ("word-piece", "unigram", "bytes"):
        result["rows"][name] = [rows[i] for i in range(5, len(rows), 23)]
for name, value in SCALARS.items():
    library = Tokenizer.from_str(json.dumps(value))
    result["scalars"][name] = {"json": abridged(value), "hash": ids_hash(library.encode(t).ids for t in scalar_texts())}
for name in ("byte-level", "sentence-piece"):
    library = Tokenizer.from_file(os.path.join(HERE, f"{name}.json"))
    result["older"][name] = ids_hash([library.encode(LARGE_TEXT, add_special_tokens=False).ids])
with open(os.path.join(HERE, "words.json"), "w", encoding="utf-8") as file:
    file.write(compact(result) + "\n")
