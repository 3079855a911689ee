"""One pipeline from raw columns to probabilities."""

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder
from xgboost import XGBClassifier

from data import TEXT


def build(settings: dict) -> Pipeline:
    """An unfitted pipeline for `{columns, bag, xgboost}`.

    columns: the features that the model may use, the others are ignored.
    bag: how many XGBoost models with different seeds are averaged.
    xgboost: the parameters of each of them.
    """
    text = [name for name in settings["columns"] if name in TEXT]
    numbers = [name for name in settings["columns"] if name not in TEXT]
    columns = ColumnTransformer(
        [
            # A category that training never saw becomes all zeros instead of an error.
            ("text", OneHotEncoder(handle_unknown="ignore", sparse_output=False), text),
            # Missing numbers stay NaN: XGBoost learns for each split where they go.
            ("numbers", "passthrough", numbers),
        ]
    )
    # One thread, because sums over several threads may differ in the last bit from run to run.
    members = [
        XGBClassifier(tree_method="hist", n_jobs=1, random_state=seed, **settings["xgboost"])
        for seed in range(settings["bag"])
    ]
    if len(members) == 1:
        return Pipeline([("columns", columns), ("classifier", members[0])])
    # num_parallel_tree would also average, but the ONNX converter takes its trees for classes: the graph does not load.
    # flatten_transform changes no prediction; the converter refuses True.
    named = [(f"seed{seed}", member) for seed, member in enumerate(members)]
    bag = VotingClassifier(named, voting="soft", flatten_transform=False)
    return Pipeline([("columns", columns), ("classifier", bag)])
