type Group = {
  /** 0 or more; higher is more relevant. */
  readonly relevances: readonly number[];
  /** By which the rows are ordered, highest first. */
  readonly scores: readonly number[];
};

const discount = (place: number): number => 1 / Math.log2(place + 2);

/** Of rows with equal scores each has the mean relevance, because their order is chance. */
const sumGains = (
  order: readonly { readonly relevance: number; readonly score: number }[],
  at: number,
): number => {
  let total = 0;
  for (let from = 0; from < Math.min(order.length, at); ) {
    let to = from;
    let relevance = 0;
    while (to < order.length && order[to]?.score === order[from]?.score)
      relevance += order[to++]?.relevance ?? 0;
    for (let place = from; place < Math.min(to, at); place++)
      total += (relevance / (to - from)) * discount(place);
    from = to;
  }
  return total;
};

/**
 * Normalized discounted cumulative gain of one group's first `at` rows, 0 to 1; undefined where no order is better than
 * another, because all rows are equally relevant. Gains are the relevances themselves and ties are averaged, as in
 * scikit-learn's ndcg_score.
 * Sources: Järvelin & Kekäläinen, ACM TOIS 2002;20:422; ties: McSherry & Najork, ECIR 2008, LNCS 4956:414.
 */
export const computeNdcg = ({ relevances, scores }: Group, at: number): number | undefined => {
  if (relevances.every((relevance) => relevance === relevances[0])) return undefined;
  const rows = relevances.map((relevance, row) => ({ relevance, score: scores[row] ?? Number.NaN }));
  const best = rows.map(({ relevance }) => ({ relevance, score: relevance }));
  const ideal = sumGains(
    best.toSorted((a, b) => b.score - a.score),
    at,
  );
  return (
    sumGains(
      rows.toSorted((a, b) => b.score - a.score),
      at,
    ) / ideal
  );
};
