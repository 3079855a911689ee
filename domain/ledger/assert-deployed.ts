import { ApprovalMismatch } from "#domain/delivery/errors.ts";
import type { Deployment, Ledger } from "./ledger.ts";

/**
 * Holds the function versions that the state machine's data names against those of the ledger: the approved image was
 * proven under these numbers, and another number is another image. Throws ApprovalMismatch.
 * @param named `championVersion`: of what prod serves beside a canary; left out where there is none
 */
export const assertDeployed =
  ({ ledger }: { readonly ledger: Pick<Ledger, "at"> }) =>
  async (
    { model, delivery, functionVersion, previous }: Deployment,
    named: { readonly functionVersion: string; readonly championVersion?: string },
  ): Promise<void> => {
    const refuse = (what: string, known: string | undefined, found: string) => {
      throw new ApprovalMismatch(
        `${delivery} may not change prod of ${model}: its ${what} is ${known === undefined ? "none" : `function version ${known}`} by the ledger, not ${found}`,
      );
    };
    if (named.functionVersion !== functionVersion)
      refuse("deployment", functionVersion, named.functionVersion);
    if (named.championVersion === undefined) return;
    const champion = await ledger.at("prod", model, previous);
    if (named.championVersion !== champion?.functionVersion)
      refuse("champion", champion?.functionVersion, named.championVersion);
  };
