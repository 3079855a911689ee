"""Trains and exports small models of trees, with what exporters put in front of them and behind them.

    python3 -m venv ~/.cache/slipway-exports && ~/.cache/slipway-exports/bin/pip install -r ../onnx-exports/requirements.txt
    ~/.cache/slipway-exports/bin/python make_tree_exports.py

Each model is one file beside this script. The tests compare a compiled graph with onnxruntime on rows that they make
themselves, so there is no data. All is seeded; the versions are those of ../onnx-exports/requirements.txt.
"""

from pathlib import Path

import lightgbm
import numpy as np
import pandas
import xgboost
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloat
from skl2onnx import convert_sklearn
from skl2onnx.common import _container
from skl2onnx.common.data_types import (
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

HERE = Path(__file__).parent
OPSETS = {"": 17, "ai.onnx.ml": 3}

# skl2onnx 1.20 writes HistGradientBoosting's flags as booleans, which onnx since 1.22 does not take.
_make_node = _container.make_node
_container.make_node = lambda *names, **attributes: _make_node(*names, **{
    name: [int(each) if isinstance(each, (bool, np.bool_, np.integer)) else each for each in value]
    if isinstance(value, list) else value
    for name, value in attributes.items()
})


def save(case, graph):
    graph.graph.name = case  # otherwise some converters choose a random one
    operator_sets = sorted(graph.opset_import, key=lambda each: each.domain)  # skl2onnx's order is that of a set
    del graph.opset_import[:]
    graph.opset_import.extend(operator_sets)
    (HERE / f"{case}.onnx").write_bytes(graph.SerializeToString(deterministic=True))


def save_sklearn(case, model, table, target, inputs):
    model.fit(table, target)
    options = {id(model): {"zipmap": False}} if hasattr(model, "classes_") else None
    save(case, convert_sklearn(model, initial_types=inputs, options=options, target_opset=OPSETS))


def forest(**more):
    return RandomForestClassifier(4, max_depth=4, random_state=0, **more)


table, classes = make_classification(400, 6, n_informative=4, n_classes=3, n_clusters_per_class=1, random_state=0)
table = table.astype(np.float32)
binary = (classes > 0).astype(int)
numbers, value = make_regression(400, 6, noise=3, random_state=0)
numbers = numbers.astype(np.float32)
matrix = [("X", FloatTensorType([None, 6]))]
boosting = GradientBoostingClassifier(n_estimators=5, random_state=0)
tree = DecisionTreeClassifier(max_depth=4, random_state=0)

save_sklearn("bagging", BaggingClassifier(tree, n_estimators=4, random_state=0), table, classes, matrix)
save_sklearn("boosting-multiclass", boosting, table, classes, matrix)
save_sklearn("isotonic", CalibratedClassifierCV(forest(), method="isotonic", cv=2), table, binary, matrix)
save_sklearn("sigmoid", CalibratedClassifierCV(forest(), method="sigmoid", cv=2), table, binary, matrix)
save_sklearn("imputed", make_pipeline(SimpleImputer(), StandardScaler(), boosting), table, binary, matrix)
save_sklearn("normalized", make_pipeline(Normalizer(norm="l1"), forest()), table, classes, matrix)
save_sklearn("min-max", make_pipeline(MinMaxScaler(), forest()), table, classes, matrix)
save_sklearn("binned", make_pipeline(KBinsDiscretizer(3, encode="ordinal", quantile_method="averaged_inverted_cdf"), forest()), table, classes, matrix)
save_sklearn("stacked", StackingClassifier([("a", forest()), ("b", tree)], final_estimator=forest()), table, classes, matrix)
save_sklearn("stacked-linear", StackingClassifier([("a", forest()), ("b", tree)], final_estimator=LogisticRegression()), table, classes, matrix)
regressor = DecisionTreeRegressor(max_depth=4, random_state=0)
save_sklearn("stacked-regression", StackingRegressor([("a", RandomForestRegressor(4, max_depth=4, random_state=0)), ("b", regressor)], final_estimator=RandomForestRegressor(3, max_depth=3, random_state=0)), numbers, value, matrix)
save_sklearn("voted", VotingRegressor([("a", RandomForestRegressor(4, max_depth=4, random_state=0)), ("b", regressor)]), numbers, value, matrix)
save_sklearn("ada-boost", AdaBoostRegressor(n_estimators=3, random_state=0), numbers, value, matrix)
doubles = [("X", DoubleTensorType([None, 6]))]
save_sklearn("double-forest", forest(), table.astype(float), classes, doubles)
save_sklearn("double-boosting", HistGradientBoostingRegressor(max_iter=5, max_depth=4), numbers.astype(float), value, doubles)

random = np.random.default_rng(0)
columns = pandas.DataFrame({
    "a": random.normal(size=400).astype(np.float32),
    "b": random.integers(0, 50, 400),
    "c": random.choice(["x", "y", "z"], 400),
    "d": random.choice([3, 5, 9], 400),
})
outcome = ((columns.a > 0) ^ (columns.c == "x") ^ (columns.d == 5)).astype(int)
inputs = [
    ("a", FloatTensorType([None, 1])),
    ("b", Int64TensorType([None, 1])),
    ("c", StringTensorType([None, 1])),
    ("d", Int64TensorType([None, 1])),
]
one_hot = ColumnTransformer([
    ("a", "passthrough", ["a"]),
    ("b", StandardScaler(), ["b"]),
    ("c", OneHotEncoder(handle_unknown="ignore"), ["c"]),
    ("d", OneHotEncoder(), ["d"]),
])
save_sklearn("one-hot", make_pipeline(one_hot, forest()), columns, outcome, inputs)
ordinal = ColumnTransformer([
    ("a", SimpleImputer(), ["a"]),
    ("c", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["c"]),
    ("d", OrdinalEncoder(), ["d"]),
])
save_sklearn("ordinal", make_pipeline(ordinal, HistGradientBoostingClassifier(max_iter=4)), columns, outcome, [inputs[0], inputs[2], inputs[3]])

tools = [("X", ToolsFloat([None, 6]))]
quiet = {"verbose": -1, "random_state": 0, "num_leaves": 8}
save("lightgbm-multiclass", convert_lightgbm(lightgbm.LGBMClassifier(n_estimators=4, **quiet).fit(table, classes), initial_types=tools, zipmap=False, target_opset=15))
save("lightgbm-poisson", convert_lightgbm(lightgbm.LGBMRegressor(n_estimators=4, objective="poisson", **quiet).fit(numbers, np.abs(value)), initial_types=tools, target_opset=15))
save("lightgbm-split", convert_lightgbm(lightgbm.LGBMRegressor(n_estimators=6, **quiet).fit(numbers, value), initial_types=tools, target_opset=15, split=3))
category = np.column_stack([random.integers(0, 80, 400), table[:, 1:]]).astype(np.float32)
save("lightgbm-categories", convert_lightgbm(lightgbm.LGBMClassifier(n_estimators=6, min_data_per_group=5, cat_smooth=1, **quiet).fit(category, binary, categorical_feature=[0]), initial_types=tools, zipmap=False, target_opset=15))
save("xgboost-multiclass", convert_xgboost(xgboost.XGBClassifier(n_estimators=3, max_depth=3, random_state=0).fit(table, classes), initial_types=tools, target_opset=15))
save("xgboost-poisson", convert_xgboost(xgboost.XGBRegressor(n_estimators=3, max_depth=3, objective="count:poisson", random_state=0).fit(numbers, np.abs(value)), initial_types=tools, target_opset=15))
save("xgboost-forest", convert_xgboost(xgboost.XGBRFClassifier(n_estimators=3, max_depth=3, random_state=0).fit(table, binary), initial_types=tools, target_opset=15))
