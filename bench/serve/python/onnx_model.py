"""A model's folder for the Python servers: onnxruntime on one thread, from columns of values to scores."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

FOLDER_FILES = ("manifest.json", "model.onnx")


class OnnxModel:
    def __init__(self, folder: Path) -> None:
        manifest = json.loads((folder / FOLDER_FILES[0]).read_text())
        self.inputs = manifest["inputs"]
        self.input_names = [declared["name"] for declared in self.inputs]
        self.labels = manifest["output"]["labels"]
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self.session = ort.InferenceSession(
            folder / FOLDER_FILES[1], options, providers=["CPUExecutionProvider"]
        )
        self.tensor_names = [node.name for node in self.session.get_inputs()]
        self.tokenizer = None
        if "tokenizer" in manifest:
            from tokenizers import Tokenizer

            self.tokenizer = Tokenizer.from_file(str(folder / manifest["tokenizer"]["file"]))
            self.tokenizer.enable_truncation(manifest["tokenizer"]["maxTokens"])
            # As long as the longest text of the batch.
            self.tokenizer.enable_padding()

    def feeds(self, columns: list[list[Any]]) -> dict[str, np.ndarray]:
        """Tensors of columns in the manifest's order."""
        if self.tokenizer is not None:
            encoded = self.tokenizer.encode_batch(columns[0])
            tensors = {
                "input_ids": [encoding.ids for encoding in encoded],
                "attention_mask": [encoding.attention_mask for encoding in encoded],
                "token_type_ids": [encoding.type_ids for encoding in encoded],
            }
            return {name: np.array(tensors[name], dtype=np.int64) for name in self.tensor_names}
        # A graph of numbers alone may take all of them as one matrix.
        if len(self.tensor_names) == 1 and len(columns) > 1:
            return {self.tensor_names[0]: np.array(columns, dtype=np.float32).T}
        feeds = {}
        for declared, values in zip(self.inputs, columns):
            dtype = object if declared["type"] in ("category", "string") else np.float32
            feeds[declared["name"]] = np.array(values, dtype=dtype).reshape(-1, 1)
        return feeds

    def score(self, columns: list[list[Any]]) -> np.ndarray:
        """Each row's probabilities, in the order of the manifest's labels."""
        (scores,) = self.session.run(["probabilities"], self.feeds(columns))
        return scores

    def to_predictions(self, scores: np.ndarray) -> list[dict[str, Any]]:
        best = scores.argmax(axis=1)
        return [
            {"label": self.labels[at], "scores": dict(zip(self.labels, row))}
            for at, row in zip(best.tolist(), scores.tolist())
        ]
