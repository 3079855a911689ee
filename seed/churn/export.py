"""Turns a fitted pipeline into one ONNX graph that takes the raw columns."""

import numpy as np
import onnx
import onnxruntime
from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from xgboost import XGBClassifier

from data import FEATURES, TEXT

update_registered_converter(
    XGBClassifier,
    "XGBClassifier",
    calculate_linear_classifier_output_shapes,
    convert_xgboost,
    options={"nocl": [True, False], "zipmap": [True, False]},
)


def to_onnx(pipeline) -> bytes:
    """The graph: 19 inputs [N,1] named like the features, outputs `label` [N] and `probabilities` [N,2].

    Features that the model ignores are inputs too: every version has the same public contract.
    """
    inputs = [
        (name, StringTensorType([None, 1]) if name in TEXT else FloatTensorType([None, 1]))
        for name in FEATURES
    ]
    graph = convert_sklearn(
        pipeline,
        name="churn",  # otherwise a random one
        initial_types=inputs,
        target_opset={"": 17, "ai.onnx.ml": 3},
        options={id(pipeline): {"zipmap": False}},
    )
    # The bag's converter leaves a constant that nothing reads; onnxruntime warns about it at every start.
    read = {name for node in graph.graph.node for name in node.input}
    kept = [each for each in graph.graph.initializer if each.name in read]
    del graph.graph.initializer[:]
    graph.graph.initializer.extend(kept)
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


def predict(running: onnxruntime.InferenceSession, features) -> np.ndarray:
    """Probabilities [N,2] as float32: column 0 is stay, column 1 is churn."""
    columns = {
        name: features[[name]].to_numpy(dtype=object if name in TEXT else np.float32)
        for name in FEATURES
    }
    return running.run(["probabilities"], columns)[0]
