/**
 * The rule for tests that need something that Slipway itself does not need: without it they are skipped with a message;
 * with CI=true they fail instead, so that a run cannot pass without them.
 * `missing`: the end of a sentence that says what is missing and how to get it; undefined when nothing is missing.
 */
export const requirePeer = (tests: string, missing: string | undefined): { readonly skip: boolean } => {
  if (missing === undefined) return { skip: false };
  if (process.env.CI === "true")
    throw new Error(`${tests} cannot run, and CI=true allows no skipping, because ${missing}.`);
  console.warn(`SKIPPED: ${tests}, because ${missing}.`);
  return { skip: true };
};
