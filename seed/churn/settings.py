"""The four versions that train.py makes: what each of them is trained with."""

import json

from data import FEATURES, HERE

# What `churn`'s first delivery needs: a small model, set by hand.
FIRST = {
    "columns": FEATURES,
    "bag": 1,
    "xgboost": {"max_depth": 2, "n_estimators": 30, "learning_rate": 0.1},
}

# The same training, but it only sees who the customer is and whether there is a phone line: no contract,
# no services, no charges. Nothing is wrong with it except that this says too little. The gates stop it.
WORSE = FIRST | {
    "columns": [
        "female", "senior_citizen", "partner", "dependents", "phone_service", "multiple_lines",
    ],
}  # fmt: skip

# Which version each one is compared with in its metrics.json.
COMPARED_WITH = {"second": "first", "better": "second", "worse": "first"}


def versions() -> dict[str, dict]:
    """`{name: {settings, crossValidation?}}`; second and better are what tune.py chose."""
    tuned = json.loads((HERE / "tuned.json").read_text())
    return {
        "first": {"settings": FIRST},
        "second": tuned["second"],
        "better": tuned["better"],
        "worse": {"settings": WORSE},
    }
