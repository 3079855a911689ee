"""Trains one shape with fixed seeds and exports it: `train_shape.py FOLDER SHAPE_AS_JSON`.

Writes model.onnx (what onnxruntime and Slipway run), the library's own file, rows.f32 (10,000 rows that training has not
seen, float32, row-major) and shape.json.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

folder = Path(sys.argv[1])
shape = json.loads(sys.argv[2])
trees, depth, leaves = shape["trees"], shape["depth"], shape["leaves"]
features, classes = shape["features"], shape["classes"]
random = np.random.default_rng(20_261_130)


def draw(rows: int) -> np.ndarray:
    """Numbers as in tables: normal ones, counts, flags, rounded ones."""
    x = random.normal(size=(rows, features)).astype(np.float32)
    x[:, 5] = random.integers(0, 12, rows)
    x[:, 6] = random.integers(0, 2, rows)
    x[:, 7] = np.round(x[:, 7] * 50)
    return x


def label(x: np.ndarray) -> np.ndarray:
    score = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + x[:, 3] * (x[:, 5] > 5) + 0.3 * x[:, 4] * x[:, 8]
    score = score + random.normal(size=len(x))
    return (score > 0).astype(int) if classes == 2 else np.digitize(score, [-0.6, 0.6])


def measure_depth(node: onnx.NodeProto) -> tuple[int, int]:
    """Trees of an ensemble, and the depth of the deepest."""
    of = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    ids = list(zip(of["nodes_treeids"], of["nodes_nodeids"]))
    below = {}
    for at, key in enumerate(ids):
        if of["nodes_modes"][at] != b"LEAF":
            below[key] = [(key[0], of["nodes_truenodeids"][at]), (key[0], of["nodes_falsenodeids"][at])]
    children = {child for pair in below.values() for child in pair}
    deepest = 0
    waiting = [(key, 0) for key in ids if key not in children]
    while waiting:
        key, level = waiting.pop()
        deepest = max(deepest, level)
        waiting.extend((child, level + 1) for child in below.get(key, ()))
    return len(set(of["nodes_treeids"])), deepest


def export_ydf(model) -> onnx.ModelProto:
    """YDF has no export to ONNX: its trees, read by its own inspection, as one ensemble."""
    nodes = {name: [] for name in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids", "missing_value_tracks_true")}
    leaf_ids, leaf_trees, weights = [], [], []
    base = float(model.initial_predictions()[0])
    # Columns are f0, f1, …; YDF numbers those of its own specification.
    names = [column.name for column in model.data_spec().columns]
    for number, tree in enumerate(model.get_all_trees()):
        waiting = [(tree.root, 0)]
        count = 1
        while waiting:
            node, at = waiting.pop(0)
            nodes["treeids"].append(number)
            nodes["nodeids"].append(at)
            nodes["missing_value_tracks_true"].append(0)
            if node.is_leaf:
                for name, value in (("featureids", 0), ("values", 0.0), ("modes", "LEAF"), ("truenodeids", 0), ("falsenodeids", 0)):
                    nodes[name].append(value)
                leaf_trees.append(number)
                leaf_ids.append(at)
                # onnxruntime ignores a single base value of two classes: the first tree's leaves hold it.
                weights.append(float(node.value.value) + (base if number == 0 else 0.0))
                continue
            condition = node.condition
            nodes["featureids"].append(int(names[condition.attribute][1:]))
            nodes["values"].append(float(condition.threshold))
            nodes["modes"].append("BRANCH_GTE")
            nodes["truenodeids"].append(count)
            nodes["falsenodeids"].append(count + 1)
            waiting += [(node.pos_child, count), (node.neg_child, count + 1)]
            count += 2
    ensemble = helper.make_node(
        "TreeEnsembleClassifier",
        ["x"],
        ["label", "probabilities"],
        domain="ai.onnx.ml",
        **{f"nodes_{name}": values for name, values in nodes.items()},
        class_treeids=leaf_trees,
        class_nodeids=leaf_ids,
        class_ids=[1] * len(weights),
        class_weights=weights,
        classlabels_int64s=[0, 1],
        post_transform="LOGISTIC",
    )
    graph = helper.make_graph(
        [ensemble],
        "ydf",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, features])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
        ],
    )
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


x = draw(20_000)
y = label(x)
draw(10_000).tofile(folder / "rows.f32")
path = str(folder / "model.onnx")
library = shape["library"]
if library in ("lightgbm", "xgboost"):
    from onnxmltools.convert.common.data_types import FloatTensorType

    types = [("x", FloatTensorType([None, features]))]
if library == "lightgbm":
    import lightgbm
    from onnxmltools import convert_lightgbm

    model = lightgbm.LGBMClassifier(n_estimators=trees, num_leaves=leaves, max_depth=depth, min_child_samples=10, learning_rate=0.05, n_jobs=1, random_state=1, deterministic=True, force_row_wise=True, verbose=-1).fit(x, y)
    model.booster_.save_model(folder / "model.txt")
    exported = convert_lightgbm(model, initial_types=types, zipmap=False, target_opset=15)
elif library == "xgboost":
    import xgboost
    from onnxmltools import convert_xgboost

    rounds = trees if classes == 2 else trees // classes
    objective = "binary:logistic" if classes == 2 else "multi:softprob"
    model = xgboost.XGBClassifier(n_estimators=rounds, max_depth=depth, learning_rate=0.1, n_jobs=1, random_state=1, objective=objective).fit(x, y)
    model.get_booster().save_model(folder / "model.json")
    exported = convert_xgboost(model, initial_types=types, target_opset=15)
elif library == "catboost":
    import catboost

    model = catboost.CatBoostClassifier(iterations=trees, depth=depth, verbose=0, thread_count=1, random_seed=1, allow_writing_files=False).fit(x, y)
    model.save_model(str(folder / "model.cbm"))
    model.save_model(path, format="onnx")
    exported = onnx.load(path)
    # Its export ends in a list of dictionaries; the probabilities before that are what a service reads.
    zip_map = next(node for node in exported.graph.node if node.op_type == "ZipMap")
    exported.graph.node.remove(zip_map)
    kept = [value for value in exported.graph.output if value.name not in zip_map.output]
    del exported.graph.output[:]
    exported.graph.output.extend([*kept, helper.make_tensor_value_info(zip_map.input[0], TensorProto.FLOAT, [None, classes])])
elif library == "scikit-learn":
    import pickle

    from skl2onnx import to_onnx
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(n_estimators=trees, max_depth=depth, n_jobs=1, random_state=1).fit(x, y)
    (folder / "model.pickle").write_bytes(pickle.dumps(model))
    exported = to_onnx(model, x[:1], options={"zipmap": False}, target_opset=15)
else:
    import ydf

    table = {f"f{at}": x[:, at] for at in range(features)}
    learner = ydf.GradientBoostedTreesLearner(label="y", num_trees=trees, max_depth=depth + 1, early_stopping="NONE", validation_ratio=0.0, num_threads=1, random_seed=1, features=[ydf.Feature(name, ydf.Semantic.NUMERICAL) for name in table], include_all_columns=False)
    model = learner.train({**table, "y": y})
    model.save(str(folder / "model.ydf"))
    exported = export_ydf(model)

onnx.checker.check_model(exported)
onnx.save(exported, path)
ensemble = next(node for node in exported.graph.node if node.op_type.startswith("TreeEnsemble"))
count, deepest = measure_depth(ensemble)
probabilities = next(v.name for v in exported.graph.output if "prob" in v.name)
(folder / "shape.json").write_text(json.dumps({"input": exported.graph.input[0].name, "output": probabilities, "columns": classes, "trees": count, "depth": deepest}))
