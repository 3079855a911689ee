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
    if not wide or any(one.name in named for one in graph_inputs):
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
    """The probabilities, the second label's alone, or the values."""
    floats = [one for one in outputs if one.type in ("tensor(float)", "tensor(double)")]
    fits = [one.name for one in floats if holds(one, len(scores))]
    single = [one.name for one in floats if holds(one, 1)]
    if labels:
        return ([name for name in fits if "prob" in name.lower()] or fits or single)[:1]
    if len(scores) > 1 and all(name in single for name in scores):
        return scores
    return ([name for name in fits if len(scores) == 1 and name == scores[0]] or fits)[:1]


def batches(lengths):
    """Texts of like length run together: padding costs as much as text."""
    batch = []
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        if batch and (len(batch) == 32 or (len(batch) + 1) * lengths[row] > 4096):
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
            self.tokenizer.no_padding()
            self.tokenizer.enable_truncation(self.manifest["maxTokens"])

    def run_table(self, frame, columns, outputs):
        bound = bind(self.session.get_inputs(), columns)
        return self.session.run(outputs, {one.name: tensor(frame, one, cells) for one, cells in bound})

    def run_texts(self, texts, outputs):
        ids = [one.ids for one in self.tokenizer.encode_batch(texts)]
        answered = [None] * len(outputs)
        for rows in batches([len(one) for one in ids]):
            width = len(ids[rows[-1]])
            padded = numpy.zeros((len(rows), width), dtype="int64")
            mask = numpy.zeros((len(rows), width), dtype="int64")
            for place, row in enumerate(rows):
                padded[place, : len(ids[row])] = ids[row]
                mask[place, : len(ids[row])] = 1
            given = {"input_ids": padded, "attention_mask": mask, "token_type_ids": numpy.zeros_like(padded)}
            feeds = {one.name: given[one.name].astype(NUMBERS[one.type]) for one in self.session.get_inputs()}
            for place, values in enumerate(self.session.run(outputs, feeds)):
                if answered[place] is None:
                    answered[place] = numpy.zeros((len(texts), *values.shape[1:]), dtype=values.dtype)
                answered[place][rows] = values
        return answered

    def scores(self, values):
        """Probabilities of all labels, whether the graph gives them, their logits or the second label's alone."""
        single = values.shape[1] == 1
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
        if self.tokenizer:
            found = self.run_texts(as_text(frame[columns[0]["name"]], "string"), outputs)
        else:
            found = self.run_table(frame, columns, outputs)
        values = numpy.hstack([one.reshape(len(frame), -1).astype("float64") for one in found])
        answer = {}
        if labels:
            values = self.scores(values)
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
