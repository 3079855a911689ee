"""Writes the MiniLM encoder and a head as one ONNX graph with int8 weights, from the published numbers alone."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

LAYERS, HEADS, WIDTH = 6, 12, 384
POSITIONS = 256  # the longest text that the encoder was trained for; the table has 512
FUSED = "com.microsoft"  # onnxruntime's own operators: one node where the standard ones take ten


class Graph:
    """Collects nodes and constants; each method adds one step and gives the name of its result.

    ranges: `{linear step: (lowest, highest) of what it is given}` for int8; None for float.
    """

    def __init__(self, ranges: dict[str, tuple[float, float]] | None):
        self.ranges, self.nodes, self.constants = ranges, [], []
        self.given: dict[str, str] = {}  # what each linear step is given, for calibrate

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, outputs=None, **attributes) -> str:
        self.nodes.append(helper.make_node(operator, inputs, outputs or [output], output, **attributes))
        return output

    def linear(self, name: str, given: str, weight: np.ndarray, bias: np.ndarray) -> str:
        """given [.., in] · weight [in, out] + bias."""
        self.given[name] = given
        bias_name = self.constant(f"{name}.bias", bias)
        if self.ranges is None:
            self.node("MatMul", [given, self.constant(f"{name}.weight", weight)], f"{name}.product")
            return self.node("Add", [f"{name}.product", bias_name], name)
        # Fixed ranges instead of those of each batch: so a text's answer does not depend on its neighbours.
        low, high = self.ranges[name]
        step = np.float32((high - low) / 255)
        zero = self.constant(f"{name}.zero", np.uint8(round(-low / step)))
        step_name = self.constant(f"{name}.step", step)
        self.node("QuantizeLinear", [given, step_name, zero], f"{name}.given")
        scale, quantized = quantize(weight, axis=0, levels=WEIGHT_LEVELS)
        weight_name, scale_name = (
            self.constant(f"{name}.weight", quantized),
            self.constant(f"{name}.scale", scale.ravel()),
        )
        inputs = [f"{name}.given", weight_name, step_name, scale_name, zero, "", bias_name]
        return self.node("MatMulIntegerToFloat", inputs, name, domain=FUSED)


# 7 bits: processors without dot-product instructions for int8 (AVX2) add two products in 16 bits and cut off what
# does not fit. With 7 bits everything fits, so all processors get the same sums.
WEIGHT_LEVELS = 63
TABLE_LEVELS = 127  # the word table is only looked up


def quantize(values: np.ndarray, axis: int, levels: int):
    """(scale float32, int8) with one scale for each slice along `axis`, symmetric around 0."""
    scale = np.abs(values).max(axis=axis, keepdims=True) / np.float32(levels)
    return scale, np.rint(values / scale).astype(np.int8)


def build(
    weights: dict[str, np.ndarray],
    ranges: dict[str, tuple[float, float]] | None,
    head: tuple[np.ndarray, np.ndarray] | None = None,
) -> bytes:
    """The graph: inputs `input_ids` and `attention_mask`, int64 [N,S] with S ≤ 256.

    ranges: as `calibrate` gives them, for int8; None for float, with what each linear step is given as outputs too.
    head: (weight [384,2], bias [2]) for `probabilities` [N,2]; None for the `embedding` [N,384] of length 1.
    """
    graph = Graph(ranges)
    hidden = embed(graph, weights)
    graph.node("Cast", ["attention_mask"], "mask32", to=TensorProto.INT32)
    for number in range(LAYERS):
        hidden = layer(graph, f"layer{number}", hidden, weights, f"encoder.layer.{number}")
    output = pool(graph, hidden)
    if head is not None:  # in float: it is small, and its inputs are
        graph.node("MatMul", [output, graph.constant("head.weight", head[0])], "head.product")
        graph.node("Add", ["head.product", graph.constant("head.bias", head[1])], "logits")
        output = graph.node("Softmax", ["logits"], "probabilities", axis=-1)
    outputs = {output: ["N", WIDTH if head is None else 2]}
    if ranges is None:
        outputs |= {given: ["N", "S", None] for given in graph.given.values()}
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "review-sentiment",
            [
                helper.make_tensor_value_info(name, TensorProto.INT64, ["N", "S"])
                for name in ("input_ids", "attention_mask")
            ],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(FUSED, 1)],
        ir_version=9,
    )
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def calibrate(weights: dict[str, np.ndarray], token_lists: list[list[int]]) -> dict[str, tuple[float, float]]:
    """`{linear step: (lowest, highest)}` of what it is given, 0 included, over these texts in float."""
    running = session(build(weights, None))
    given = Graph(None)
    hidden = embed(given, weights)
    for number in range(LAYERS):
        hidden = layer(given, f"layer{number}", hidden, weights, f"encoder.layer.{number}")
    names = sorted(set(given.given.values()))
    seen = {name: (0.0, 0.0) for name in names}
    for tokens in token_lists:
        for name, values in zip(names, running.run(names, feeds([tokens]))):
            low, high = seen[name]
            seen[name] = (min(low, float(values.min())), max(high, float(values.max())))
    return {step: seen[name] for step, name in given.given.items()}


def embed(graph: Graph, weights) -> str:
    """Word, position and (always the first) segment, normalised: [N,S,384]."""
    scale, table = quantize(weights["embeddings.word_embeddings.weight"], axis=1, levels=TABLE_LEVELS)
    positions = weights["embeddings.position_embeddings.weight"][:POSITIONS]
    segment = weights["embeddings.token_type_embeddings.weight"][0]
    graph.node("Gather", [graph.constant("words", table), "input_ids"], "word.int8")
    graph.node("Cast", ["word.int8"], "word.float", to=TensorProto.FLOAT)
    graph.node("Gather", [graph.constant("words.scale", scale), "input_ids"], "word.scale")
    graph.node("Mul", ["word.float", "word.scale"], "word")
    graph.node("Shape", ["input_ids"], "length", start=1, end=2)
    graph.node(
        "Slice",
        [graph.constant("positions", positions + segment), graph.constant("zero", np.array([0])), "length"],
        "position",
    )
    graph.node("Add", ["word", "position"], "embedded")
    norm = [weights[f"embeddings.LayerNorm.{part}"] for part in ("weight", "bias")]
    return graph.node(
        "LayerNormalization",
        ["embedded", graph.constant("embedded.gamma", norm[0]), graph.constant("embedded.beta", norm[1])],
        "embedded.normal",
        axis=-1,
        epsilon=1e-12,
    )


def layer(graph: Graph, name: str, given: str, weights, source: str) -> str:
    """Attention and two linear steps, each added to what it was given and normalised (BERT, post-norm)."""

    def of(*parts: str) -> tuple[np.ndarray, np.ndarray]:
        dense = [(weights[f"{source}.{part}.weight"].T, weights[f"{source}.{part}.bias"]) for part in parts]
        return np.hstack([weight for weight, _ in dense]), np.hstack([bias for _, bias in dense])

    def add_and_normalize(label: str, change: str, before: str, part: str) -> str:
        gamma = graph.constant(f"{label}.gamma", weights[f"{source}.{part}.LayerNorm.weight"])
        beta = graph.constant(f"{label}.beta", weights[f"{source}.{part}.LayerNorm.bias"])
        inputs = [change, before, gamma, beta]
        return graph.node("SkipLayerNormalization", inputs, label, domain=FUSED, epsilon=1e-12)

    parts = [f"{name}.{part}" for part in ("query", "key", "value")]
    together = of(*(f"attention.self.{part}" for part in ("query", "key", "value")))
    graph.linear(f"{name}.qkv", given, *together)
    graph.node("Split", [f"{name}.qkv"], f"{name}.split", parts, axis=-1)
    graph.node(
        "MultiHeadAttention", [*parts, "", "mask32"], f"{name}.context", domain=FUSED, num_heads=HEADS
    )
    graph.linear(f"{name}.attended", f"{name}.context", *of("attention.output.dense"))
    middle = add_and_normalize(f"{name}.middle", f"{name}.attended", given, "attention.output")
    graph.linear(f"{name}.wide", middle, *of("intermediate.dense"))
    graph.node("Gelu", [f"{name}.wide"], f"{name}.gelu", domain=FUSED)
    graph.linear(f"{name}.narrow", f"{name}.gelu", *of("output.dense"))
    return add_and_normalize(f"{name}.end", f"{name}.narrow", middle, "output")


def pool(graph: Graph, hidden: str) -> str:
    """The mean over the real tokens, as a vector of length 1: [N,384]."""
    graph.node("Cast", ["attention_mask"], "mask", to=TensorProto.FLOAT)
    last = graph.constant("last", np.array([-1]))
    graph.node("Unsqueeze", ["mask", last], "mask.column")
    graph.node("Mul", [hidden, "mask.column"], "masked")
    # The sum points where the mean points, and only the direction stays.
    graph.node("ReduceSum", ["masked", graph.constant("tokens", np.array([1]))], "sum", keepdims=0)
    return graph.node("LpNormalization", ["sum"], "embedding", axis=-1, p=2)


def session(graph: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # sums over several threads may differ in the last bit
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def feeds(token_lists: list[list[int]]) -> dict[str, np.ndarray]:
    """The graph's inputs for some texts, padded to the longest."""
    mask = np.zeros((len(token_lists), max(map(len, token_lists))), np.int64)
    ids = mask.copy()
    for row, tokens in enumerate(token_lists):
        ids[row, : len(tokens)], mask[row, : len(tokens)] = tokens, 1
    return {"input_ids": ids, "attention_mask": mask}


def answer(running: onnxruntime.InferenceSession, token_lists: list[list[int]]) -> np.ndarray:
    """The first output for all texts, in batches of similar length."""
    order = np.argsort([len(tokens) for tokens in token_lists], kind="stable")
    answers = None
    for start in range(0, len(order), 32):
        picked = order[start : start + 32]
        given = running.run([running.get_outputs()[0].name], feeds([token_lists[each] for each in picked]))[0]
        if answers is None:
            answers = np.empty((len(order), given.shape[1]), np.float32)
        answers[picked] = given
    return answers
