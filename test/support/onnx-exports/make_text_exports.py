"""Makes small BERT models and exports them as transformers' users do, one folder per case.

    python3 -m venv ~/.cache/slipway-texts && ~/.cache/slipway-texts/bin/pip install -r requirements-texts.txt
    ~/.cache/slipway-texts/bin/python make_text_exports.py

Each folder gets model.onnx, tokenizer.json, data.csv and case.json with the predictions of torch and transformers (not
onnxruntime) for the first rows. The entities are those of transformers' token-classification pipeline with
aggregation_strategy="simple"; its offsets count characters, so they are converted to UTF-16 code units here. The models
learn a few minutes' worth of made sentences, or nothing. All is seeded.
"""

import contextlib
import csv
import json
import random
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertForTokenClassification,
    BertModel,
    PreTrainedTokenizerFast,
    pipeline,
)

from write_export import write_export

HERE = Path(__file__).parent
KINDS = {
    "bert-pairs": "BertForSequenceClassification of two texts",
    "bert-entities": "BertForTokenClassification: entities",
    "bert-embeddings": "BertModel: embeddings of texts",
    "bert-text-and-columns": "BertModel with a head over a text and two columns",
}
CHECKED_ROWS = 20
MOST_TOKENS = 32
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PEOPLE = ["anna", "peter", "marie curie", "jürgen", "zoë"]
PLACES = ["berlin", "paris", "new york", "são paulo", "münchen"]
OTHER = ["met", "in", "saw", "the", "film", "was", "slow", "lovely", "music", "with", "from", "and", "🎬", "not", "good"]
PIECES = ["ber", "##lin", "mün", "##chen", "##gen", "jür", "pet", "##er", "york", "new", "paulo", "são", "curie", "marie"]


def make_tokenizer(**fields):
    letters = sorted({letter for word in " ".join(PEOPLE + PLACES + OTHER).split() for letter in word})
    words = [*PIECES, *(word for word in OTHER if word != "music"), "anna", "paris", "zoë", "mus", "##ic"]
    vocabulary = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters), *words]
    tokenizer = Tokenizer(models.WordPiece({word: at for at, word in enumerate(dict.fromkeys(vocabulary))}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(SPECIAL)
    for name, arguments in fields.items():
        getattr(tokenizer, name)(**arguments)
    return tokenizer


def make_config(tokenizer, spread=0.02, **fields):
    return BertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64, initializer_range=spread, attn_implementation="eager", **fields,
    )


def wrap(tokenizer):
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]", model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


class Outputs(torch.nn.Module):
    """A model that returns one tensor, with tensors as its arguments."""

    def __init__(self, model, output):
        super().__init__()
        self.model, self.output = model, output

    def forward(self, input_ids, attention_mask, token_type_ids):
        return getattr(
            self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids), self.output
        )


class TextAndColumns(torch.nn.Module):
    """A text's first hidden state beside two columns."""

    def __init__(self, bert):
        super().__init__()
        self.bert = bert
        self.head = torch.nn.Linear(bert.config.hidden_size + 2, 3)

    def forward(self, input_ids, attention_mask, price, stars):
        hidden = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state[:, 0]
        return self.head(torch.cat([hidden, price / 50, stars.float()], dim=1)).softmax(dim=1)


def export(folder, model, sample, output, tokens_axis=False):
    """torch's exporter, with open rows and tokens."""
    model.eval()
    names = list(sample)
    axes = {name: {0: "rows", 1: "tokens"} if value.dtype == torch.int64 and value.shape[1] > 1 else {0: "rows"}
            for name, value in sample.items()}
    axes[output] = {0: "rows", 1: "tokens"} if tokens_axis else {0: "rows"}
    path = folder / "model.onnx"
    line = write_export(names, [output], axes)
    with contextlib.chdir(folder):
        exec(line, {"torch": torch, "model": model, "example": tuple(sample.values())})
    graph = onnx.load(path)
    for node in graph.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(graph)
    path.write_bytes(graph.SerializeToString(deterministic=True))
    session = onnxruntime.InferenceSession(path)
    got = session.run([output], {name: value.numpy() for name, value in sample.items()})[0]
    with torch.no_grad():
        want = model(*sample.values()).numpy()
    assert np.allclose(got, want, atol=1e-5), abs(got - want).max()
    return {"library": "transformers", "kind": KINDS[folder.name], "export": line}


def save(case, tokenizer, header, rows, fields):
    folder = HERE / case
    tokenizer.save(str(folder / "tokenizer.json"))
    with open(folder / "data.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([header, *rows])
    (folder / "case.json").write_text(json.dumps(fields, indent=1, ensure_ascii=False) + "\n")


def make_folder(case):
    (HERE / case).mkdir(exist_ok=True)
    return HERE / case


def make_sentence(chance):
    """Words with their tags."""
    words, tags = [], []
    for _ in range(chance.randint(2, 5)):
        for _ in range(chance.randint(0, 2)):
            words.append(chance.choice(OTHER))
            tags.append("O")
        kind, names = chance.choice([("PER", PEOPLE), ("LOC", PLACES)])
        for at, word in enumerate(chance.choice(names).split()):
            words.append(word.capitalize())
            tags.append(f"{'B' if at == 0 else 'I'}-{kind}")
    return words, tags


def train(model, tokenizer, sentences, labels):
    """A few steps; a word's first token has its tag, the others are trained as inside."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    encodings = [tokenizer.encode(" ".join(words)) for words, _ in sentences]
    length = max(len(each.ids) for each in encodings)
    ids = torch.zeros(len(encodings), length, dtype=torch.int64)
    mask, truth = torch.zeros_like(ids), torch.full_like(ids, -100)
    for row, (each, (words, tags)) in enumerate(zip(encodings, sentences)):
        ids[row, : len(each.ids)] = torch.tensor(each.ids)
        mask[row, : len(each.ids)] = 1
        ends = np.cumsum([len(word) + 1 for word in words])
        seen = set()
        for at, ((start, _), special) in enumerate(zip(each.offsets, each.special_tokens_mask)):
            if special:
                continue
            word = int(np.searchsorted(ends, start, side="right"))
            tag = tags[word] if word not in seen else tags[word].replace("B-", "I-")
            seen.add(word)
            truth[row, at] = labels.index(tag)
    for _ in range(60):
        optimizer.zero_grad()
        model(input_ids=ids, attention_mask=mask, labels=truth).loss.backward()
        optimizer.step()


def make_entities():
    torch.manual_seed(1)
    chance = random.Random(1)
    tokenizer = make_tokenizer()
    labels = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    config = make_config(tokenizer, num_labels=len(labels), id2label=dict(enumerate(labels)),
                         label2id={label: at for at, label in enumerate(labels)})
    model = BertForTokenClassification(config)
    train(model, tokenizer, [make_sentence(chance) for _ in range(300)], labels)
    sentences = [make_sentence(chance) for _ in range(60)]
    texts = [" ".join(words) for words, _ in sentences]
    texts[0] = f"🎬🎬 {texts[0]}"
    sentences[0] = (texts[0].split(), ["O", *sentences[0][1]])
    # A word that nobody saw, so that some rows are wrong.
    for at in range(5, 15):
        words, tags = sentences[at]
        sentences[at] = ([*words, "Zoëmünchen"], [*tags, "B-PER"])
        texts[at] = " ".join(sentences[at][0])
    folder = make_folder("bert-entities")
    sample = wrap(tokenizer)(texts[:3], padding=True, return_tensors="pt")
    described = export(folder, Outputs(model, "logits"),
           {name: sample[name] for name in ["input_ids", "attention_mask", "token_type_ids"]}, "logits", True)
    find = pipeline("token-classification", model=model, tokenizer=wrap(tokenizer), aggregation_strategy="simple")

    def to_units(text, characters):
        return len(text[:characters].encode("utf-16-le")) // 2

    predictions = [
        {
            "scores": {},
            "entities": [
                {
                    "label": each["entity_group"],
                    "score": float(each["score"]),
                    "text": text[each["start"] : each["end"]],
                    "start": to_units(text, each["start"]),
                    "end": to_units(text, each["end"]),
                }
                for each in find(text)
            ],
        }
        for text in texts[:CHECKED_ROWS]
    ]
    save("bert-entities", tokenizer, ["text", "tags"], [[text, " ".join(tags)] for text, (_, tags) in zip(texts, sentences)],
         {"target": "tags", "exported": "torch.onnx.export of a BertForTokenClassification", **described, "data": "made",
          "task": "entities", "labels": labels, "predictions": predictions})


def make_pairs():
    torch.manual_seed(2)
    chance = random.Random(2)
    tokenizer = make_tokenizer(enable_truncation={"max_length": 16, "strategy": "longest_first"})
    model = BertForSequenceClassification(make_config(tokenizer, spread=0.7, num_labels=2)).eval()
    wrapped = wrap(tokenizer)
    rows = []
    while len(rows) < 60:
        question, passage = (" ".join(chance.choices(PEOPLE + PLACES + OTHER, k=chance.randint(2, most))) for most in (6, 12))
        if question != passage:
            rows.append((question, passage))

    def score(question, passage):
        encoded = wrapped(question, passage, truncation="longest_first", max_length=16, return_tensors="pt")
        with torch.no_grad():
            return model(**encoded).logits[0].softmax(0).double().tolist()

    # A bias that answers both labels equally often.
    with torch.no_grad():
        model.classifier.bias[1] -= float(np.median([np.log(yes / no) for no, yes in (score(*row) for row in rows)]))
    scores = [score(*row) for row in rows]
    names = ["no", "yes"]
    answers = [names[int(np.argmax(each))] for each in scores]
    truth = [answer if chance.random() < 0.9 else names[1 - names.index(answer)] for answer in answers]
    folder = make_folder("bert-pairs")
    sample = wrapped([a for a, _ in rows[:3]], [b for _, b in rows[:3]], truncation="longest_first", max_length=16,
                     padding=True, return_tensors="pt")
    described = export(folder, Outputs(model, "logits"),
           {name: sample[name] for name in ["input_ids", "attention_mask", "token_type_ids"]}, "logits")
    save("bert-pairs", tokenizer, ["question", "passage", "entailed"], [[*row, label] for row, label in zip(rows, truth)],
         {"target": "entailed", "exported": "torch.onnx.export of a BertForSequenceClassification, two texts", **described,
          "data": "made", "task": "classification",
          "predictions": [{"label": label, "scores": dict(zip(names, each))}
                          for label, each in zip(answers[:CHECKED_ROWS], scores)]})


def make_embeddings():
    torch.manual_seed(3)
    chance = random.Random(3)
    tokenizer = make_tokenizer()
    model = BertModel(make_config(tokenizer, spread=0.5), add_pooling_layer=False).eval()
    wrapped = wrap(tokenizer)
    texts = [" ".join(make_sentence(chance)[0]) for _ in range(40)]
    folder = make_folder("bert-embeddings")
    sample = wrapped(texts[:3], padding=True, return_tensors="pt")
    described = export(folder, Outputs(model, "last_hidden_state"),
           {name: sample[name] for name in ["input_ids", "attention_mask", "token_type_ids"]}, "last_hidden_state", True)

    def embed(text):
        encoded = wrapped(text, return_tensors="pt")
        with torch.no_grad():
            hidden = model(**encoded).last_hidden_state[0]
        mean = hidden.mean(0)
        return {"mean": mean.tolist(), "cls": hidden[0].tolist(), "max": hidden.max(0).values.tolist(),
                "normalized": torch.nn.functional.normalize(mean, dim=0).tolist()}

    save("bert-embeddings", tokenizer, ["text"], [[text] for text in texts],
         {"target": [], "exported": "torch.onnx.export of a BertModel", **described, "data": "made", "task": "embedding",
          "predictions": [{"scores": {}, "tensors": embed(text)} for text in texts[:10]]})


def make_text_and_columns():
    torch.manual_seed(4)
    chance = random.Random(4)
    tokenizer = make_tokenizer(enable_truncation={"max_length": MOST_TOKENS})
    model = TextAndColumns(BertModel(make_config(tokenizer, spread=0.5), add_pooling_layer=False)).eval()
    wrapped = wrap(tokenizer)
    names = ["bad", "fair", "good"]
    rows = [(round(chance.uniform(-60, 90), 2), " ".join(make_sentence(chance)[0]), chance.randint(-3, 5)) for _ in range(60)]

    def feed(chosen):
        encoded = wrapped([text for _, text, _ in chosen], padding=True, return_tensors="pt")
        return {"input_ids": encoded["input_ids"], "attention_mask": encoded["attention_mask"],
                "price": torch.tensor([[price] for price, _, _ in chosen]),
                "stars": torch.tensor([[stars] for _, _, stars in chosen])}

    with torch.no_grad():
        scores = [model(*feed([row]).values())[0].double().tolist() for row in rows]
    answers = [names[int(np.argmax(each))] for each in scores]
    truth = [answer if chance.random() < 0.9 else chance.choice(names) for answer in answers]
    folder = make_folder("bert-text-and-columns")
    described = export(folder, model, feed(rows[:3]), "probabilities")
    save("bert-text-and-columns", tokenizer, ["price", "review", "stars", "verdict"],
         [[*row, label] for row, label in zip(rows, truth)],
         {"target": "verdict", "exported": "torch.onnx.export of a BertModel with a head over its text and two columns", **described,
          "data": "made", "task": "classification",
          "predictions": [{"label": label, "scores": dict(zip(names, each))}
                          for label, each in zip(answers[:CHECKED_ROWS], scores)]})


make_entities()
make_pairs()
make_embeddings()
make_text_and_columns()
