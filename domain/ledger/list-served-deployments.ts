import type { Deployment, Ledger } from "./ledger.ts";

/** Older entries are not read: their images may be gone. */
const maxEntries = 200;

/**
 * The deployments that have had all of prod's traffic of a model, newest first; a rollback's own included. A retired model
 * has none.
 */
export const listServedDeployments =
  ({ entries }: Pick<Ledger, "entries">) =>
  async (model: string): Promise<readonly Deployment[]> =>
    (await entries("prod", model, maxEntries)).filter(({ status }) => status === "promoted");
