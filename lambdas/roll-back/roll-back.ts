import type { Approvals } from "#domain/approval/approvals.ts";
import type { Claims } from "#domain/claims/claims.ts";
import { Superseded } from "#domain/delivery/faults.ts";
import { originalError } from "#domain/delivery/original-error.ts";
import type { Warn } from "#domain/delivery/warn.ts";
import type { Deployment, Ledger } from "#domain/ledger/ledger.ts";
import { type Needs as RestoreNeeds, restore } from "#domain/rollback/restore.ts";
import type { Registry } from "#platform/registry/registry.ts";
import type { Environment } from "#platform/serving/serving.ts";
import { RollBackInput, type RollBackOutput, type Subject } from "#statemachine/contracts.ts";

export type Needs = RestoreNeeds & {
  readonly claims: Claims;
  readonly approvals: Approvals;
  readonly registry: Registry;
  readonly warn: Warn;
};

type Restored = RollBackOutput["restored"][number];

/**
 * Puts everything back where the ledger says, proves it, and gives the claims back. A delivery that the ledger calls
 * promoted is not touched: `committed` sends it forward. Throws RollBackFailed with the claims still open, so that
 * sweep-deliveries tries again.
 */
export const rollBack =
  (needs: Needs) =>
  async (event: unknown): Promise<RollBackOutput> => {
    const { error, ...subject } = RollBackInput.parse(event);
    const { delivery, model } = subject;
    const { ledger, claims, approvals } = needs;
    // Ended or promoted: one write on one entry decides, and the other writer sees it. So it comes before anything is
    // put back, or a PromoteModel that was thought dead could still pass the commit point behind this step's back.
    const entry = await ledger.ofDelivery("prod", model, delivery);
    if (entry && (await end(ledger, entry)).status === "promoted")
      return { committed: true, error: null, restored: [] };

    for (const approval of await approvals.open(model))
      if (approval.delivery === delivery) await approvals.close(approval.id, "the delivery has ended");
    const restored = [await putBack(needs)(subject, "prod"), await putBack(needs)(subject, "stage")];
    await restoreChallenger(needs, subject);
    for (const environment of ["prod", "stage"] as const) await claims.release(environment, model, delivery);
    return { committed: false, error: error && originalError(error), restored };
  };

const putBack =
  (needs: Needs) =>
  async ({ delivery, model }: Subject, environment: Environment): Promise<Restored> => {
    const { claims, ledger, serving } = needs;
    // A step of this very delivery may still run (its state timed out, its execution was stopped): a higher fence shuts
    // it out before anything is put back, or it would write over what was.
    const fence = await claims.renew(environment, model, delivery).catch((fault: unknown) => {
      if (fault instanceof Superseded) return undefined;
      throw fault;
    });
    const live = await serving[environment].live(model);
    const serves = live?.version ?? null;
    const entry = await ledger.ofDelivery(environment, model, delivery);
    if (fence === undefined) return { environment, result: entry ? "kept" : "untouched", serves };
    const target = await ledger.serving("prod", model);
    if (environment === "prod" && !entry && live && !live.canary)
      return { environment, result: "untouched", serves };
    if (!target && !live) {
      if (entry) await end(ledger, entry);
      return { environment, result: "untouched", serves: null };
    }
    const version = await restore(needs)(environment, { model, delivery, fence }, target);
    if (entry) await end(ledger, entry);
    return { environment, result: version === null ? "emptied" : "restored", serves: version };
  };

const end = (ledger: Ledger, entry: Deployment) =>
  ledger.change(entry, (current) =>
    current.status === "promoted" || current.status === "ended" ? undefined : { ...current, status: "ended" },
  );

/** The registry informs; that it cannot be reached stops no rollback, and the next registration moves the alias anyway. */
const restoreChallenger = async ({ registry, warn }: Needs, { delivery, model }: Subject) => {
  try {
    const challenger = await registry.byAlias(model, "challenger");
    if (challenger?.tags.delivery === delivery) await registry.setAlias(model, "challenger", undefined);
  } catch (fault) {
    warn(`the alias challenger of ${model} could not be taken back`, fault, { delivery, model });
  }
};
