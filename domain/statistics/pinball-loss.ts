/**
 * Pinball loss of one predicted quantile: the loss that the true quantile makes smallest. In the unit of the values.
 * Source: Koenker & Bassett, Econometrica 1978;46:33.
 * @param level of the quantile, 0 to 1
 */
export const pinballLoss = (truth: number, predicted: number, level: number): number =>
  truth >= predicted ? level * (truth - predicted) : (1 - level) * (predicted - truth);
