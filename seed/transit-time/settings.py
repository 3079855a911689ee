"""The four versions that train.py makes: what each of them is trained with."""

import json

from data import FEATURES, HERE

# What `transit-time`'s first delivery needs: a small model, set by hand.
FIRST = {"columns": FEATURES, "flights": 5000, "neighbors": 15}

# The same training, but it only sees how far north both ends are. Nothing is wrong with it except that this
# says too little. The gates stop it.
WORSE = FIRST | {"columns": ["origin_lat", "dest_lat"]}

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
