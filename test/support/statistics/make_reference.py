"""Writes reference.json: made truths and predictions with the numbers of scikit-learn and scipy for them.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6 scikit-learn==1.9.1 scipy==1.17.1
    venv/bin/python make_reference.py

Intervals are written here a second time with numpy and scipy: the delta method and Student's t.
"""

import json
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn.metrics import f1_score, mean_pinball_loss, ndcg_score

random = np.random.default_rng(7)


def t_reach(influence):
    return stats.t.ppf(0.975, len(influence) - 1) * influence.std(ddof=1) / np.sqrt(len(influence))


def f1_influence(truth, predicted, average):
    shared = 2.0 * (truth & predicted)
    listed = 1.0 * truth + predicted
    if average == "micro":
        shared, listed = shared.sum(axis=1, keepdims=True), listed.sum(axis=1, keepdims=True)
    ratio = shared.sum(axis=0) / listed.sum(axis=0)
    return ((shared - ratio * listed) / listed.mean(axis=0)).mean(axis=1)


def f1_case(rows, labels, error):
    truth = random.random((rows, labels)) < [0.5, 0.3, 0.1][:labels]
    flip = lambda share: truth ^ (random.random((rows, labels)) < share)
    champion, challenger = flip(error), flip(error / 2)
    case = {"truth": truth.astype(int).tolist(), "champion": champion.astype(int).tolist(),
            "challenger": challenger.astype(int).tolist()}
    for average in ("micro", "macro"):
        score = lambda predicted: f1_score(truth, predicted, average=average) if labels > 1 else f1_score(truth[:, 0], predicted[:, 0])
        own = f1_influence(truth, challenger, average)
        gain = own - f1_influence(truth, champion, average)
        case[average] = {"champion": score(champion), "challenger": score(challenger), "reach": t_reach(own),
                         "gainReach": t_reach(gain)}
    return case


def quantile_case(rows, levels):
    truth = random.normal(size=rows)
    predicted = np.sort(random.normal(scale=0.4, size=(rows, len(levels))) + stats.norm.ppf(levels), axis=1)
    losses = [mean_pinball_loss(truth, predicted[:, each], alpha=level) for each, level in enumerate(levels)]
    covered = (predicted[:, 0] <= truth) & (truth <= predicted[:, -1])
    return {"levels": levels, "truth": truth.tolist(), "predicted": predicted.tolist(),
            "pinball": float(np.mean(losses)), "coverage": float(covered.mean())}


def deviation_case(rows):
    truth = random.normal(size=rows)
    mean, deviation = truth + random.normal(size=rows), random.uniform(0.5, 1.5, size=rows)
    low, high = stats.norm.interval(0.95, loc=mean, scale=deviation)
    return {"truth": truth.tolist(), "mean": mean.tolist(), "deviation": deviation.tolist(),
            "coverage": float(((low <= truth) & (truth <= high)).mean())}


def ranking_case(sizes, at, decimals):
    groups = []
    for size in sizes:
        relevances = random.integers(0, 4, size=size)
        relevances[0], relevances[-1] = 0, 3
        scores = np.round(relevances + random.normal(scale=2, size=size), decimals)
        groups.append({"relevances": relevances.tolist(), "scores": scores.tolist(),
                       "ndcg": float(ndcg_score([relevances], [scores], k=at))})
    return {"at": at, "groups": groups}


reference = {
    "f1": [f1_case(40, 3, 0.3), f1_case(200, 2, 0.1), f1_case(60, 1, 0.25)],
    "quantiles": [quantile_case(50, [0.1, 0.5, 0.9]), quantile_case(30, [0.025, 0.975])],
    "deviation": [deviation_case(80)],
    "ranking": [ranking_case([5, 8, 12, 3], 10, 6), ranking_case([20, 15, 6], 5, 0)],
}
(Path(__file__).parent / "reference.json").write_text(json.dumps(reference) + "\n")
