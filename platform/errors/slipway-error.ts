/** An error of Slipway: it has a stable public name, and says whether the same call may succeed a little later. */
export abstract class SlipwayError extends Error {
  /** A literal: Catch and Retry match it, and minifiers rename classes. */
  abstract override readonly name: string;
  /** True: the state machine tries the step again. False: only another commit, right or setting helps. */
  abstract readonly retryable: boolean;
}
