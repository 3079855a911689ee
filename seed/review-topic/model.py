"""One pipeline from a text to probabilities."""

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline

TOKEN = "[a-zA-Z0-9_]+"


def build(settings: dict) -> Pipeline:
    """An unfitted pipeline for `{ngrams, minTexts, words, c}`.

    ngrams: up to how many words in a row are one feature.
    minTexts: in how many training texts a feature must occur. With pairs of words, bound the vocabulary by this
        and not by `words`: onnxruntime overlooks a pair whose second word alone is no feature.
    words: how many features are kept at most, the commonest ones; null for all.
    c: the inverse of the regularisation.
    """
    features = TfidfVectorizer(
        token_pattern=TOKEN,
        ngram_range=(1, settings["ngrams"]),
        min_df=settings["minTexts"],
        max_features=settings["words"],
    )
    # One against the rest, by coordinate descent: a tenth of the time of the multinomial fit, and no less accurate.
    classifier = LogisticRegression(solver="liblinear", C=settings["c"], random_state=0)
    return Pipeline([("features", features), ("classifier", OneVsRestClassifier(classifier))])
