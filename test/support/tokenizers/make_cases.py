"""Makes tokenizers and texts, and writes the reference implementation's tokens of them (Python's `tokenizers`, Rust).

    python make_cases.py --seed 1 --tokenizers 100 --texts 20

One JSON line per tokenizer: {"name", "tokenizer", "texts", "expected"}. An entry of `expected` is
{"ids", "types", "mask", "offsets"}, or {"error"} where the reference refuses the text. `name` is the component that the
tokenizer is about. Every component of tokenizer.json is made at least once in each round of `components`.
"""

import argparse
import base64
import json
import random
import struct
import unicodedata

from tokenizers import Tokenizer

WORDS = (
    "the quick brown fox jumps over lazy dogs naïve café Grüße Straße Fußgänger été déjà-vu żółć gęślą jaźń ñandú "
    "señor Привет мир Ελλάδα שלום عالم नमस्ते ไทย 東京 日本語 漢字かな 한국어 안녕 𝒜𝓁𝓅𝒽𝒶 𠀀𠀁 🦆 👩‍👩‍👧 🇩🇪 ½ ² Ⅷ ﬁ İstanbul ǅ "
    "http://example.com/a?b=c++ user@example.org 3.14 1,000 don't I'm we'll it’s snake_case camelCase C# C++ -- … — „so“ «oui»"
).split()
SPACES = [" ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\u2028", "\u200b", "\ufeff", "\u0085", "\x0b", "\x1c", "\u180e", "\u1680"]
EDGES = [
    "", " ", "\u0000", "\ufffd", "e\u0301", "\u0301", "a\u0300\u0316", "\u1e9e", "\u0130", "\u03a3ΑΣ", "\u200d", "\u200c",
    "\u0e33", "\u094d", "\u0345", "\u00ad", "_", "\u203f", "\u00aa", "\u24b6", "\u2160", "\u0660", "\u00b2", "\u00b7",
    "\u2019", "`", "^", "$", "+", "<", "=", ">", "|", "~", "\u00a7", "\u00b6", "\u20ac", "\u3001", "\uff01", "\u30fb",
    "\ue000", "\U000f0000", "\U0010ffff", "\U000e0041", "\U0001f1e6", "\U0001d7ce", "\u2581", "\u0120", "[MASK]", "[SEP]",
    "<s>", "</s>", "[CLS]", "x" * 101, "9" * 12, "a" * 40, "!?" * 6, "\ud7a3", "\u1100\u1161\u11a8", "\ufb01", "\ufdfa",
    "\u2126", "\u212b", "\uf900", "\u3400", "\U0002f800", "\u0f77", "\u17d2", "\u0b83",
]  # fmt: skip
PLANES = [(0, 0x80)] * 4 + [(0x80, 0x250)] * 3 + [(0x250, 0x2000)] * 3 + [(0x2000, 0x3100)] * 3 + [
    (0x3100, 0xD800), (0xE000, 0x10000), (0x10000, 0x20000), (0x1F000, 0x20000), (0x20000, 0x30000),
    (0x30000, 0xE0000), (0xE0000, 0x110000),
]  # fmt: skip
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def any_character(r):
    low, high = r.choice(PLANES)
    while True:
        code = r.randrange(low, high)
        if not 0xD800 <= code < 0xE000:
            return chr(code)


def make_text(r):
    pieces = []
    for _ in range(r.choice([1, 2, 4, 8, 16, 40])):
        kind = r.random()
        if kind < 0.45:
            word = r.choice(WORDS)
            pieces.append(r.choice([word, word, word.upper(), word.title(), unicodedata.normalize("NFD", word)]))
        elif kind < 0.6:
            pieces.append(r.choice(EDGES))
        else:
            pieces.append("".join(any_character(r) for _ in range(r.randint(1, 4))))
        if r.random() < 0.6:
            pieces.append(r.choice(SPACES) if r.random() < 0.3 else " ")
    return "".join(pieces)[:400]


def byte_alphabet():
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(b) for b in keep] + [chr(256 + n) for n in range(256 - len(keep))]


BYTES = [f"<0x{value:02X}>" for value in range(256)]


def characters(r, byte_level):
    if byte_level:
        return byte_alphabet()
    found = sorted(set("".join(WORDS) + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?'\"-+:/▁Ġ_ "))
    r.shuffle(found)
    return found[: int(len(found) * r.choice([0.6, 0.95, 1]))]


def subwords(r, alphabet):
    words = [word for word in WORDS if all(letter in alphabet for letter in word)] or ["".join(alphabet[:4])]
    found = set()
    for _ in range(120):
        word = r.choice(words)
        start = r.randrange(len(word))
        found.add(word[start : start + r.randint(2, 5)])
    return sorted(part for part in found if len(part) > 1)


def bpe(r, byte_level=False):
    alphabet = characters(r, byte_level)
    prefix = r.choice([None, None, None, "##"]) if not byte_level else None
    suffix = r.choice([None, None, None, "</w>"]) if not byte_level else None
    fallback = not byte_level and r.random() < 0.3
    vocabulary = dict.fromkeys([*SPECIALS, *(BYTES if fallback else []), *alphabet])
    for extra in [prefix and (lambda c: prefix + c), suffix and (lambda c: c + suffix)]:
        if extra:
            vocabulary.update(dict.fromkeys(extra(c) for c in alphabet))
    if prefix and suffix:
        vocabulary.update(dict.fromkeys(prefix + c + suffix for c in alphabet))
    tokens = [token for token in vocabulary if token not in SPECIALS and token not in BYTES]
    merges = []
    for _ in range(r.choice([20, 150, 400])):
        left, right = r.choice(tokens), r.choice(tokens)
        if r.random() < 0.8:
            word = r.choice(WORDS)
            at = r.randrange(1, len(word)) if len(word) > 1 else 0
            left, right = word[max(0, at - r.randint(1, 2)) : at], word[at : at + r.randint(1, 2)]
        if prefix and not right.startswith(prefix):
            right = prefix + right
        merged = left + (right[len(prefix) :] if prefix else right)
        if left in vocabulary and right in vocabulary and len(merged) < 30 and (left, right) not in merges:
            merges.append((left, right))
            vocabulary[merged] = None
            tokens.append(merged)
    return {
        "type": "BPE",
        "dropout": None,
        "unk_token": r.choice([None, "[UNK]", "[UNK]"]),
        "continuing_subword_prefix": prefix,
        "end_of_word_suffix": suffix,
        "fuse_unk": r.random() < 0.5,
        "byte_fallback": fallback,
        "ignore_merges": r.random() < 0.3,
        "vocab": {token: number for number, token in enumerate(vocabulary)},
        "merges": [r.choice([list(pair)]) for pair in merges],
    }


def wordpiece(r):
    alphabet = characters(r, False)
    prefix = r.choice(["##", "##", "##", "", "@@"])
    parts = subwords(r, alphabet)
    tokens = dict.fromkeys([*SPECIALS, *alphabet, *(prefix + c for c in alphabet), *parts, *(prefix + p for p in parts), *WORDS])
    return {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": prefix,
        "max_input_chars_per_word": r.choice([100, 100, 8]),
        "vocab": {token: number for number, token in enumerate(tokens)},
    }


def wordlevel(r):
    tokens = dict.fromkeys([*SPECIALS, *characters(r, False), *WORDS, *(w.lower() for w in WORDS)])
    return {"type": "WordLevel", "unk_token": "[UNK]", "vocab": {token: number for number, token in enumerate(tokens)}}


def unigram(r, byte_level=False):
    alphabet = characters(r, byte_level)
    fallback = r.random() < 0.4
    tokens = dict.fromkeys([*SPECIALS, *(BYTES if fallback else []), *alphabet, "▁", *subwords(r, alphabet)])
    tokens.update(dict.fromkeys("▁" + part for part in subwords(r, alphabet)))
    tokens.update(dict.fromkeys("▁" + word for word in WORDS[::2]))
    return {
        "type": "Unigram",
        "unk_id": 1,
        "byte_fallback": fallback,
        "vocab": [[token, 0.0 if token in SPECIALS else round(-r.uniform(1, 12), 4)] for token in tokens],
    }


def charsmap(r):
    """A small Precompiled normalizer in SentencePiece's format: a darts trie of one-character keys, and their values."""
    pairs = {"ﬁ": "fi", "½": "1/2", "Ａ": "A", "\u3000": " ", "é": "e", "²": "2", "…": "...", "\u200b": ""}
    units = {}

    def find_base(labels, used):
        base = 1
        while True:
            if base not in used and all((base ^ label) not in units and (base ^ label) != 0 for label in labels):
                return base
            base += 1

    values, normalized = {}, b""
    for key, value in sorted(pairs.items()):
        values[key.encode()] = len(normalized)
        normalized += value.encode() + b"\0"
    trie = {}
    for key, value in values.items():
        node = trie
        for byte in key:
            node = node.setdefault(byte, {})
        node[0] = value
    units[0] = 0
    used = set()

    def place(node, at):
        base = find_base(list(node), used)
        used.add(base)
        for label in node:
            units[base ^ label] = 0
        offset = at ^ base
        assert offset < 1 << 21
        units[at] |= (offset << 10) | ((1 << 8) if 0 in node else 0)
        for label, child in node.items():
            where = base ^ label
            if label == 0:
                units[where] = child | (1 << 31)
            else:
                units[where] = label
                place(child, where)

    place(trie, 0)
    size = (max(units) | 0xFF) + 1 + 256
    data = struct.pack("<I", size * 4) + b"".join(struct.pack("<I", units.get(n, 0)) for n in range(size)) + normalized
    return base64.b64encode(data).decode()


BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
PATTERNS = [
    {"String": " "}, {"String": "-"}, {"String": "▁"}, {"Regex": r"\s+"}, {"Regex": r"\w+|[^\w\s]+"}, {"Regex": r"\d"},
    {"Regex": r"\p{L}+|\p{N}{1,3}"}, {"Regex": r"[a-zA-Z]+"}, {"Regex": r"\p{P}"}, {"Regex": r"[^\p{L}\p{N}\s]+"}, {"Regex": r"\S+"},
    {"Regex": r"'s|'t| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"}, {"Regex": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"},
    {"Regex": r"\p{Han}|\p{Hiragana}+"}, {"Regex": r"[[:punct:]]"} , {"Regex": r"\bfox\b|\W"}, {"Regex": r"^\w|$"}, {"Regex": r"[一-龥]"}, {"Regex": r"(?i:straße|FOX)"},
    {"Regex": r"\D+"}, {"Regex": r"\p{Lu}\p{Ll}+|\p{M}"}, {"Regex": r".+"}, {"Regex": r"[\s\S]{1,5}"}, {"Regex": r"\p{Emoji}"}, {"Regex": r"\x{1F986}|\u00e9"}, {"Regex": r"\h"},
]  # fmt: skip
NORMALIZERS = {
    "BertNormalizer": lambda r: {
        "type": "BertNormalizer",
        "clean_text": r.random() < 0.5,
        "handle_chinese_chars": r.random() < 0.5,
        "strip_accents": r.choice([None, True, False]),
        "lowercase": r.random() < 0.5,
    },
    **{name: (lambda r, name=name: {"type": name}) for name in ["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel"]},
    "Strip": lambda r: {"type": "Strip", "strip_left": r.random() < 0.7, "strip_right": r.random() < 0.7},
    "Replace": lambda r: {"type": "Replace", "pattern": r.choice(PATTERNS), "content": r.choice(["", "_", "▁", "ab", "$1", " "])},
    "Prepend": lambda r: {"type": "Prepend", "prepend": r.choice(["▁", "x", " "])},
    "Precompiled": lambda r: {"type": "Precompiled", "precompiled_charsmap": charsmap(r)},
    "Sequence": lambda r: {
        "type": "Sequence",
        "normalizers": [NORMALIZERS[r.choice([name for name in NORMALIZERS if name not in ("Sequence", "ByteLevel")])](r) for _ in range(r.randint(0, 3))],
    },
}
PRE_TOKENIZERS = {
    **{name: (lambda r, name=name: {"type": name}) for name in ["BertPreTokenizer", "Whitespace", "WhitespaceSplit", "UnicodeScripts"]},
    "ByteLevel": lambda r: {"type": "ByteLevel", "add_prefix_space": r.random() < 0.5, "trim_offsets": r.random() < 0.5, "use_regex": r.random() < 0.7},
    "Punctuation": lambda r: {"type": "Punctuation", "behavior": r.choice(BEHAVIORS)},
    "Metaspace": lambda r: {"type": "Metaspace", "replacement": r.choice(["▁", "▁", "_"]), "prepend_scheme": r.choice(["always", "first", "never"]), "split": r.random() < 0.7},
    "Digits": lambda r: {"type": "Digits", "individual_digits": r.random() < 0.5},
    "Split": lambda r: {"type": "Split", "pattern": r.choice(PATTERNS), "behavior": r.choice(BEHAVIORS), "invert": r.random() < 0.4},
    "CharDelimiterSplit": lambda r: {"type": "CharDelimiterSplit", "delimiter": r.choice([" ", "-", "é", "東"])},
    "FixedLength": lambda r: {"type": "FixedLength", "length": r.randint(1, 7)},
    "Sequence": lambda r: {
        "type": "Sequence",
        "pretokenizers": [PRE_TOKENIZERS[r.choice([name for name in PRE_TOKENIZERS if name not in ("Sequence", "ByteLevel")])](r) for _ in range(r.randint(0, 3))],
    },
}
TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {name: {"id": name, "ids": [number], "tokens": [name]} for number, name in enumerate(SPECIALS)},
}


def template(r):
    made = json.loads(json.dumps(TEMPLATE))
    sequence = {"Sequence": {"id": "A", "type_id": r.choice([0, 0, 1])}}
    special = lambda: {"SpecialToken": {"id": r.choice(SPECIALS[2:]), "type_id": r.choice([0, 0, 2])}}  # noqa: E731
    made["single"] = [special() for _ in range(r.randint(0, 2))] + [sequence] + [special() for _ in range(r.randint(0, 2))]
    return made


POST_PROCESSORS = {
    "BertProcessing": lambda r: {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
    "RobertaProcessing": lambda r: {"type": "RobertaProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2], "trim_offsets": r.random() < 0.5, "add_prefix_space": r.random() < 0.5},
    "TemplateProcessing": template,
    "ByteLevel": lambda r: {"type": "ByteLevel", "add_prefix_space": r.random() < 0.5, "trim_offsets": r.random() < 0.5, "use_regex": True},
    "Sequence": lambda r: {"type": "Sequence", "processors": [POST_PROCESSORS["ByteLevel"](r), template(r)]},
}
MODELS = {"BPE": bpe, "WordPiece": wordpiece, "WordLevel": wordlevel, "Unigram": unigram}


def truncation(r):
    most = r.choice([8, 12, 16, 40])
    return {"direction": r.choice(["Left", "Right"]), "max_length": most, "strategy": r.choice(["LongestFirst", "OnlyFirst"]), "stride": r.choice([0, 0, 1, 3])}


def padding(r):
    return {
        "strategy": r.choice(["BatchLongest", {"Fixed": r.choice([8, 24, 64])}]),
        "direction": r.choice(["Left", "Right"]),
        "pad_to_multiple_of": r.choice([None, None, 8]),
        "pad_id": r.choice([0, 0, 1]),
        "pad_type_id": r.choice([0, 0, 3]),
        "pad_token": "[PAD]",
    }


def added_tokens(r):
    plain = [
        {"id": number, "content": name, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for number, name in enumerate(SPECIALS)
    ]
    for token in plain:
        if r.random() < 0.2:
            token.update(lstrip=r.random() < 0.5, rstrip=r.random() < 0.5)
    return plain


EXTRA_TOKENS = ["fox", "東京", "İstanbul", "a", "C++", "über", "Straße", "🦆", " the", "  ", "\n", "e\u0301", "FOX"]


def add_tokens(r, tokenizer, last):
    for content in r.sample(EXTRA_TOKENS, r.randint(1, 5)):
        last += 1
        tokenizer["added_tokens"].append(
            {
                "id": last,
                "content": content,
                "single_word": r.random() < 0.4,
                "lstrip": r.random() < 0.4,
                "rstrip": r.random() < 0.4,
                "normalized": r.random() < 0.5,
                "special": r.random() < 0.3,
            }
        )


components = [
    *(("normalizer", name) for name in NORMALIZERS),
    *(("pre_tokenizer", name) for name in PRE_TOKENIZERS),
    *(("model", name) for name in MODELS),
    *(("post_processor", name) for name in POST_PROCESSORS),
    ("added_tokens", "AddedToken"),
    ("truncation", "Truncation"),
    ("padding", "Padding"),
]


def make_tokenizer(r, part, name):
    chosen = {
        "normalizer": r.choice([None, None, *NORMALIZERS]),
        "pre_tokenizer": r.choice([None, "BertPreTokenizer", "Whitespace", "WhitespaceSplit", *PRE_TOKENIZERS]),
        "model": r.choice(list(MODELS)),
        "post_processor": r.choice([None, "TemplateProcessing", *POST_PROCESSORS]),
    }
    if part in chosen:
        chosen[part] = name
    byte_level = "ByteLevel" in (chosen["normalizer"], chosen["pre_tokenizer"])
    if byte_level and chosen["model"] not in ("BPE", "Unigram") and part != "model":
        chosen["model"] = "BPE"
    build = MODELS[chosen["model"]]
    model = build(r, byte_level) if chosen["model"] in ("BPE", "Unigram") else build(r)
    tokenizer = {
        "version": "1.0",
        "truncation": truncation(r) if part == "truncation" or r.random() < 0.2 else None,
        "padding": padding(r) if part == "padding" else None,
        "added_tokens": added_tokens(r),
        "normalizer": chosen["normalizer"] and NORMALIZERS[chosen["normalizer"]](r),
        "pre_tokenizer": chosen["pre_tokenizer"] and PRE_TOKENIZERS[chosen["pre_tokenizer"]](r),
        "post_processor": chosen["post_processor"] and POST_PROCESSORS[chosen["post_processor"]](r),
        "decoder": None,
        "model": model,
    }
    if part == "added_tokens" or r.random() < 0.2:
        add_tokens(r, tokenizer, len(model["vocab"]) - 1)
    return tokenizer


def encode(tokenizer, text):
    try:
        encoding = tokenizer.encode(text)
    except BaseException as error:  # A panic of Rust is no Exception.
        return {"error": str(error)[:200]}
    return {"ids": encoding.ids, "types": encoding.type_ids, "mask": encoding.attention_mask, "offsets": encoding.offsets}


def has_normalized_tokens(content):
    return sum(token["normalized"] for token in content["added_tokens"]) > 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tokenizers", type=int, default=len(components))
    parser.add_argument("--texts", type=int, default=20)
    options = parser.parse_args()
    r = random.Random(options.seed)
    for number in range(options.tokenizers):
        part, name = components[number % len(components)]
        content = make_tokenizer(r, part, name)
        texts = [make_text(r) for _ in range(options.texts)]
        line = {"name": f"{part} {name}", "tokenizer": content, "texts": texts}
        try:
            # Two added tokens that normalize to the same text are one at random: such texts have no right answer.
            opened = [Tokenizer.from_str(json.dumps(content)) for _ in range(8 if has_normalized_tokens(content) else 1)]
        except BaseException as error:
            line["refused"] = str(error)[:300]
        else:
            encoded = [[encode(tokenizer, text) for text in texts] for tokenizer in opened]
            kept = [at for at in range(len(texts)) if all(each[at] == encoded[0][at] for each in encoded)]
            line["texts"] = [texts[at] for at in kept]
            line["expected"] = [encoded[0][at] for at in kept]
        print(json.dumps(line, separators=(",", ":")))


main()
