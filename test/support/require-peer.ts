/**
 * The one rule for tests that need something Slipway itself does not: where it is missing they are skipped, and say
 * so; under CI=true they fail instead, so that no run passes without having looked.
 * `missing`: a sentence's end that says what is not there and how to get it; undefined when all is there.
 */
export const requirePeer = (tests: string, missing: string | undefined): { readonly skip: boolean } => {
  if (missing === undefined) return { skip: false };
  if (process.env.CI === "true")
    throw new Error(`${tests} cannot run, and CI=true allows no skipping, because ${missing}.`);
  console.warn(`SKIPPED: ${tests}, because ${missing}.`);
  return { skip: true };
};
