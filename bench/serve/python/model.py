"""A model's folder for the Python servers: its rows as pydantic checks them, and onnxruntime on one thread."""

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import numpy as np
import onnxruntime as ort
from pydantic import BaseModel, ConfigDict, Field, create_model

FOLDER_FILES = ("manifest.json", "model.onnx")


def field(declared: dict[str, Any]) -> tuple[Any, Any]:
    """The type of an input as a pydantic field, with its range, its values, or its length."""
    kind = declared["type"]
    if kind in ("integer", "number"):
        number = int if kind == "integer" else float
        known: Any = Annotated[number, Field(ge=declared["min"], le=declared["max"])]
    elif kind == "category":
        known = Literal[tuple(declared["values"])]
    elif kind == "string":
        known = Annotated[str, Field(max_length=declared["maxLength"])]
    else:
        known = bool
    return (known, ...) if declared.get("required", True) else (Optional[known], None)


class Model:
    def __init__(self, folder: Path) -> None:
        manifest = json.loads((folder / FOLDER_FILES[0]).read_text())
        self.inputs = manifest["inputs"]
        self.labels = manifest["output"]["labels"]
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = ort.InferenceSession(
            folder / FOLDER_FILES[1], options, providers=["CPUExecutionProvider"]
        )
        self.input_names = {node.name for node in self.session.get_inputs()}
        self.tokenizer = None
        if "tokenizer" in manifest:
            from tokenizers import Tokenizer

            self.tokenizer = Tokenizer.from_file(str(folder / manifest["tokenizer"]["file"]))
            self.tokenizer.enable_truncation(manifest["tokenizer"]["maxTokens"])
            self.tokenizer.enable_padding()
        # A field's name may contain characters that a Python name may not.
        self.names = [re.sub(r"\W", "_", declared["name"]) for declared in self.inputs]
        fields = {name: field(declared) for name, declared in zip(self.names, self.inputs)}
        strict = ConfigDict(extra="forbid", strict=True)
        self.Row = create_model("Row", __config__=strict, **fields)
        self.Question = create_model(
            "Question",
            __config__=strict,
            rows=(Annotated[list[self.Row], Field(min_length=1, max_length=10_000)], ...),
        )

    def feeds(self, rows: list[BaseModel]) -> dict[str, np.ndarray]:
        if self.tokenizer is not None:
            encoded = self.tokenizer.encode_batch([getattr(row, self.names[0]) for row in rows])
            tensors = {
                "input_ids": [encoding.ids for encoding in encoded],
                "attention_mask": [encoding.attention_mask for encoding in encoded],
                "token_type_ids": [encoding.type_ids for encoding in encoded],
            }
            return {name: np.array(tensors[name], dtype=np.int64) for name in self.input_names}
        feeds = {}
        for name, declared in zip(self.names, self.inputs):
            values = [getattr(row, name) for row in rows]
            dtype = object if declared["type"] in ("category", "string") else np.float32
            feeds[declared["name"]] = np.array(values, dtype=dtype).reshape(-1, 1)
        return feeds

    def predict(self, rows: list[BaseModel]) -> list[dict[str, Any]]:
        (scores,) = self.session.run(["probabilities"], self.feeds(rows))
        best = scores.argmax(axis=1)
        return [
            {"label": self.labels[at], "scores": dict(zip(self.labels, row))}
            for at, row in zip(best.tolist(), scores.tolist())
        ]
