"""The four versions that train.py makes: what each of them is trained with."""

import json

from data import HERE

# What `review-topic`'s first delivery needs: a small model, set by hand.
FIRST = {"ngrams": 1, "minTexts": 20, "words": None, "c": 1}

# The same training, but it only knows the 30 commonest words, hardly more than "the" and "of". Nothing is wrong
# with it except that this says too little. The gates stop it.
WORSE = FIRST | {"words": 30}

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
