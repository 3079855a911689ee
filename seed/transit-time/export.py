"""Turns a fitted pipeline into one ONNX graph that takes the coordinates as one matrix."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.neighbors import KNeighborsRegressor

from data import FEATURES, TARGET

INPUT = "coordinates"


def to_onnx(pipeline) -> bytes:
    """The graph: input `coordinates` float [N,4], columns in the order of FEATURES; output `air_time` double [N,1].

    It computes in double: the distance operator multiplies matrices instead of subtracting coordinates, and in float
    the error of that is as large as the distance of two neighbours, so it would choose others than scikit-learn.
    """
    model = convert_sklearn(
        pipeline,
        name="transit-time",  # otherwise a random one
        initial_types=[("degrees", DoubleTensorType([None, len(FEATURES)]))],
        target_opset={"": 17, "ai.onnx.ml": 3},
        options={KNeighborsRegressor: {"optim": "cdist"}},  # without, one row takes a hundred times longer
    )
    graph = model.graph
    graph.node.insert(0, helper.make_node("Cast", [INPUT], ["degrees"], to=TensorProto.DOUBLE))
    graph.input[0].CopyFrom(helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, len(FEATURES)]))
    graph.node.append(helper.make_node("Identity", [graph.output[0].name], [TARGET]))
    graph.output[0].name = TARGET
    # skl2onnx lists the operator sets in the order of a Python set, which differs from process to process.
    operator_sets = sorted(model.opset_import, key=lambda each: each.domain)
    del model.opset_import[:]
    model.opset_import.extend(operator_sets)
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def session(graph: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def predict(running: onnxruntime.InferenceSession, features) -> np.ndarray:
    """Minutes [N] as float64."""
    return running.run([TARGET], {INPUT: features.to_numpy(np.float32)})[0][:, 0]
