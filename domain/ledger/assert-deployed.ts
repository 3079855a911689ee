import { ApprovalMismatch } from "#domain/delivery/errors.ts";
import type { Deployment, Ledger } from "./ledger.ts";

/**
 * Compares the function versions in the state machine's data with the ledger: another number would be another image than
 * the approved one. Throws ApprovalMismatch.
 * @param claimed `championVersion` only during a canary
 */
export const assertDeployed =
  ({ ledger }: { readonly ledger: Pick<Ledger, "at"> }) =>
  async (
    { model, delivery, functionVersion, previous }: Deployment,
    claimed: { readonly functionVersion: string; readonly championVersion?: string },
  ): Promise<void> => {
    const refuse = (role: string, recorded: string | undefined, actual: string) => {
      throw new ApprovalMismatch(
        `${delivery} may not change prod of ${model}: its ${role} is ${recorded === undefined ? "none" : `function version ${recorded}`} in the ledger, not ${actual}`,
      );
    };
    if (claimed.functionVersion !== functionVersion)
      refuse("deployment", functionVersion, claimed.functionVersion);
    if (claimed.championVersion === undefined) return;
    const champion = await ledger.at("prod", model, previous);
    if (claimed.championVersion !== champion?.functionVersion)
      refuse("champion", champion?.functionVersion, claimed.championVersion);
  };
