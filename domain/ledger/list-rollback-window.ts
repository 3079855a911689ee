import type { Deployment, Ledger } from "./ledger.ts";

/** The champion and the versions of this many rollbacks in a row. */
const windowDeployments = 3;

/**
 * What prod serves of a model and what a rollback may soon have to serve again, newest first: each version by its last
 * deployment. Empty: prod serves nothing of the model.
 */
export const listRollbackWindow =
  ({ serving, at }: Pick<Ledger, "serving" | "at">) =>
  async (model: string): Promise<readonly Deployment[]> => {
    const deployments: Deployment[] = [];
    let current = await serving("prod", model);
    while (current && deployments.length < windowDeployments) {
      deployments.push(current);
      // 0: nothing served before.
      current = current.previous > 0 ? await at("prod", model, current.previous) : undefined;
    }
    return deployments;
  };
