"""Turns a fitted pipeline into one ONNX graph that takes the text itself."""

import numpy as np
import onnx
import onnxruntime
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import StringTensorType
from sklearn.feature_extraction.text import TfidfVectorizer

from model import TOKEN


def to_onnx(pipeline) -> bytes:
    """The graph: input `text` string [N,1], outputs `label` [N] and `probabilities` float [N,4]."""
    graph = convert_sklearn(
        pipeline,
        name="review-topic",  # otherwise a random one
        initial_types=[("text", StringTensorType([None, 1]))],
        target_opset={"": 17, "ai.onnx.ml": 3},
        options={
            id(pipeline): {"zipmap": False},
            # The default locale is en_US, and where a machine lacks it, the graph does not load.
            TfidfVectorizer: {"tokenexp": TOKEN, "locale": "C"},
        },
    )
    # skl2onnx lists the operator sets in the order of a Python set, which differs from process to process.
    operator_sets = sorted(graph.opset_import, key=lambda each: each.domain)
    del graph.opset_import[:]
    graph.opset_import.extend(operator_sets)
    onnx.checker.check_model(graph)
    return graph.SerializeToString(deterministic=True)


def session(graph: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def predict(running: onnxruntime.InferenceSession, texts) -> np.ndarray:
    """Probabilities [N,4] as float32, columns in the order of LABELS."""
    return running.run(["probabilities"], {"text": np.array(list(texts), dtype=object).reshape(-1, 1)})[0]
