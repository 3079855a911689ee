/**
 * MLflow's loader for ONNX passes a DataFrame as one tensor, so it fails for a model with one input per column. This
 * loader is stored with the model. It binds the manifest's columns (`slipway.json`) by the same rules as Slipway's
 * runtime (model-folder/onnx/bind-inputs.ts, find-output.ts, read-predictions.ts, text/). It returns columns for
 * `label`, `band` and each label's score, or for each value; without a readable manifest, the graph's outputs.
 */
export const loaderModule = `"""Loads a model that Slipway registered: rows with the manifest's columns in, scores or values out."""
import json
import os

import numpy
import onnxruntime
import pandas

NUMBERS = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(float16)": "float16",
    "tensor(int8)": "int8",
    "tensor(int16)": "int16",
    "tensor(uint8)": "uint8",
    "tensor(uint16)": "uint16",
    "tensor(uint32)": "uint32",
    "tensor(uint64)": "uint64",
    "tensor(bool)": "bool",
}
TOKENS = ("input_ids", "attention_mask", "token_type_ids")


def as_text(values, kind):
    return ["" if pandas.isna(value) else str(int(value)) if kind == "integer" else str(value) for value in values]


def as_numbers(values, column, dtype):
    floating = dtype.startswith("float")
    if column["type"] == "category":
        places = {value: place for place, value in enumerate(column["values"])}
        values = pandas.Series([None if pandas.isna(value) else places[value] for value in values], dtype=object)
    if pandas.api.types.is_numeric_dtype(values.dtype):
        return values.to_numpy(dtype=dtype, na_value=numpy.nan) if floating else values.to_numpy(dtype=dtype)
    read = float if floating else int
    return numpy.array([numpy.nan if pandas.isna(value) else read(value) for value in values], dtype=dtype)


def tensor(frame, graph_input, columns):
    """One input of the graph: its columns side by side."""
    cells = []
    for column in columns:
        name = column["name"]
        values = frame[name] if name in frame else pandas.Series([None] * len(frame), dtype=object)
        if graph_input.type == "tensor(string)":
            cells.append(numpy.array(as_text(values, column["type"]), dtype=object))
        else:
            cells.append(as_numbers(values, column, NUMBERS[graph_input.type]))
    if len(graph_input.shape) == 1:
        return cells[0]
    matrix = numpy.stack(cells, axis=1)
    # More dimensions of fixed size are filled row-major.
    return matrix.reshape(-1, *graph_input.shape[1:]) if len(graph_input.shape) > 2 else matrix


def width_of(graph_input):
    sizes = graph_input.shape[1:]
    return int(numpy.prod(sizes)) if sizes and all(isinstance(size, int) for size in sizes) else None


def bind(graph_inputs, columns):
    """Which columns each input of the graph takes: that of its name, or in the manifest's order."""
    named = {column["name"]: column for column in columns}
    widths = [width_of(one) for one in graph_inputs]
    wide = any(width is not None and width > 1 for width in widths) or (len(widths) == 1 and len(columns) > 1)
    matrix = len(widths) == 1 and len(columns) > 1 and widths[0] in (None, len(columns))
    by_name = any(one.name in named for one in graph_inputs) and not matrix
    if not wide or by_name:
        return [(one, [named[one.name]]) for one in graph_inputs]
    rest = list(columns)
    bound = []
    for one, width in zip(graph_inputs, widths):
        width = width or (len(columns) if len(widths) == 1 and len(one.shape) != 1 else 1)
        bound.append((one, rest[:width]))
        rest = rest[width:]
    return bound


def holds(output, width):
    if not output.shape or (width == 1 and len(output.shape) == 1):
        return True
    return len(output.shape) == 2 and (not isinstance(output.shape[1], int) or output.shape[1] == width)


def find_outputs(outputs, labels, scores):
    """The probabilities, the second label's alone, the decision values, or the values."""
    if not scores:
        return []
    floats = [one for one in outputs if one.type in ("tensor(float)", "tensor(double)")]
    fits = [one.name for one in floats if holds(one, len(scores))]
    single = [one.name for one in floats if holds(one, 1)]
    if labels:
        # A decision value of two labels can be one of two columns.
        pairs = [one.name for one in floats if holds(one, len(labels))]
        return ([name for name in fits if "prob" in name.lower()] or fits or single or pairs)[:1]
    if len(scores) > 1 and all(name in single for name in scores):
        return scores
    return ([name for name in fits if len(scores) == 1 and name == scores[0]] or fits)[:1]


def batches(lengths, most, same):
    """Texts of like length run together: padding costs as much as text. same: only texts of one length."""
    batch = []
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        full = len(batch) == most or (len(batch) + 1) * lengths[row] > 4096
        if batch and (full or (same and lengths[row] > lengths[batch[-1]])):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


class SlipwayModel:
    def __init__(self, folder):
        with open(os.path.join(folder, "slipway.json"), encoding="utf-8") as file:
            self.manifest = json.load(file)
        path = os.path.join(folder, "model.onnx")
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.tokenizer = None
        if self.manifest and "maxTokens" in self.manifest:
            import tokenizers

            self.tokenizer = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
            self.padding = self.tokenizer.padding or {"pad_id": self.find_padding_token()}
            truncation = self.tokenizer.truncation or {}
            # The file's strategy is for pairs.
            pair = len(self.manifest.get("texts", [])) == 2
            how = {
                "direction": truncation.get("direction", "right"),
                "strategy": truncation.get("strategy", "longest_first") if pair else "longest_first",
            }
            shapes = [one.shape for one in self.session.get_inputs() if one.name in TOKENS]
            self.fixed_rows, self.fixed_tokens = (
                next((shape[axis] for shape in shapes if isinstance(shape[axis], int)), None) for axis in (0, 1)
            )
            self.tokenizer.no_padding()
            most = self.manifest["maxTokens"]
            self.tokenizer.enable_truncation(min(most, self.fixed_tokens or most), **how)

    def find_padding_token(self):
        found = [self.tokenizer.token_to_id(name) for name in ("[PAD]", "<pad>", "<PAD>", "<|pad|>")]
        return next((token for token in found if token is not None), 0)

    def padded_length(self, length):
        if self.fixed_tokens:
            return self.fixed_tokens
        multiple = self.padding.get("pad_to_multiple_of") or 1
        return -(-max(length, self.padding.get("length") or 0, 1) // multiple) * multiple

    def run_table(self, frame, columns, outputs):
        bound = bind(self.session.get_inputs(), columns)
        return self.session.run(outputs, {one.name: tensor(frame, one, cells) for one, cells in bound})

    def run_texts(self, frame, columns, outputs):
        texts = self.manifest.get("texts") or [columns[0]["name"]]
        cells = [as_text(frame[name], "string") for name in texts]
        encoded = self.tokenizer.encode_batch(list(zip(*cells)) if len(cells) == 2 else cells[0])
        lengths = [self.padded_length(len(one.ids)) for one in encoded]
        inputs = [one for one in self.session.get_inputs() if one.name in TOKENS]
        others = [one for one in self.session.get_inputs() if one.name not in TOKENS]
        bound = bind(others, [column for column in columns if column["name"] not in texts])
        masked = any(one.name == "attention_mask" for one in inputs)
        filler = {"input_ids": self.padding.get("pad_id", 0), "attention_mask": 0, "token_type_ids": self.padding.get("pad_type_id", 0)}
        answered = [None] * len(outputs)
        for rows in batches(lengths, self.fixed_rows or 32, not masked):
            width = lengths[rows[-1]]
            places = rows + rows[:1] * ((self.fixed_rows or 0) - len(rows))
            chosen = [encoded[row] for row in places]
            given = {name: numpy.full((len(chosen), width), value, dtype="int64") for name, value in filler.items()}
            for place, one in enumerate(chosen):
                start = width - len(one.ids) if self.padding.get("direction") == "left" else 0
                tokens = slice(start, start + len(one.ids))
                given["input_ids"][place, tokens] = one.ids
                given["attention_mask"][place, tokens] = one.attention_mask
                given["token_type_ids"][place, tokens] = one.type_ids
            feeds = {one.name: given[one.name].astype(NUMBERS[one.type]) for one in inputs}
            feeds.update({one.name: tensor(frame.iloc[places], one, cells) for one, cells in bound})
            for place, values in enumerate(self.session.run(outputs, feeds)):
                if answered[place] is None:
                    answered[place] = numpy.zeros((len(frame), *values.shape[1:]), dtype=values.dtype)
                answered[place][rows] = values[: len(rows)]
        return answered

    def scores(self, values):
        """Probabilities of all labels, whether the graph gives them, their logits or the second label's alone."""
        single = values.shape[1] == 1
        if "decision" in self.manifest:
            return values if single else values[:, [self.manifest["decision"]]]
        if self.manifest["logits"]:
            with numpy.errstate(over="ignore"):
                powers = numpy.exp(-values) if single else numpy.exp(values - values.max(axis=1, keepdims=True))
            values = 1 / (1 + powers) if single else powers / powers.sum(axis=1, keepdims=True)
        return numpy.hstack([1 - values, values]) if single else values

    def predict(self, data, params=None):
        frame = data if isinstance(data, pandas.DataFrame) else pandas.DataFrame(data)
        if not self.manifest:
            names = [one.name for one in self.session.get_outputs()]
            kinds = [(one.name, "string" if one.type == "tensor(string)" else "number") for one in self.session.get_inputs()]
            columns = [{"name": name, "type": kind} for name, kind in kinds]
            return dict(zip(names, self.run_table(frame, columns, names)))
        columns, labels, names = (self.manifest[key] for key in ("inputs", "labels", "scores"))
        outputs = find_outputs(self.session.get_outputs(), labels, names)
        own = [self.manifest["labelOutput"]] if "labelOutput" in self.manifest else []
        if self.tokenizer:
            found = self.run_texts(frame, columns, outputs + own)
        else:
            found = self.run_table(frame, columns, outputs + own)
        values = [one.reshape(len(frame), -1).astype("float64") for one in found[: len(outputs)]]
        values = numpy.hstack(values) if values else numpy.zeros((len(frame), 0))
        answer = {}
        if labels:
            values = self.scores(values) if names else values
            if own:
                texts = {str(label): label for label in labels}
                answer["label"] = [texts[str(label)] for label in numpy.asarray(found[-1]).reshape(-1)]
            elif "decision" in self.manifest:
                positive = self.manifest["decision"]
                answer["label"] = [labels[positive if value > 0 else 1 - positive] for value in values[:, 0]]
            else:
                answer["label"] = [labels[place] for place in values.argmax(axis=1)]
        if "bands" in self.manifest:
            low, high, place = (self.manifest["bands"][key] for key in ("low", "high", "place"))
            cut = values[:, place]
            answer["band"] = numpy.where(cut < low, "low", numpy.where(cut >= high, "high", "medium"))
        for name, column in zip(names, values.T):
            answer.setdefault(name, column)
        return pandas.DataFrame(answer, index=frame.index)


def _load_pyfunc(path):
    return SlipwayModel(path)
`;
