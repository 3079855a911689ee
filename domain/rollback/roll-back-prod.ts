import type { Deployment } from "#domain/ledger/ledger.ts";
import type { DeliveryMessages } from "#domain/message/delivery-messages.ts";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { restoreEnvironment } from "./restore-environment.ts";
import { type SyncStageDependencies as StageNeeds, syncStage } from "./sync-stage.ts";

type RollBackProdDependencies = StageNeeds & {
  readonly messages: Pick<DeliveryMessages, "expect" | "show">;
};

type RollbackResult = {
  /** What prod serves now. */
  readonly to: Deployment;
  readonly from: Deployment;
  /** The delivery whose canary was ended, where one was under way: then prod keeps its champion. */
  readonly ended: string | null;
  /**
   * Of the image that prod goes back to: verified; absent where it was deployed before provenance was kept; serving
   * where it has the traffic already and only a canary was ended.
   */
  readonly provenance: "verified" | "absent" | "serving";
  /** busy: a delivery is at work there; failed: prod is rolled back all the same, and the sweep tries stage again. */
  readonly stage:
    | { readonly status: "restored" | "busy" }
    | { readonly status: "failed"; readonly fault: unknown };
};

/** There is no version before the one that prod serves. */
export class NothingBefore extends SlipwayError {
  override readonly name = "NothingBefore";
  override readonly retryable = false;
}

/**
 * A person's rollback: takes the prod claim by force, so that no delivery under way may write any more, puts the
 * previous version back (or, during a canary, the champion alone), proves it by its golden vectors and writes the
 * ledger. Stage follows where no delivery holds it. Throws NothingBefore, or RollBackFailed when what was put back does
 * not prove itself: prod then serves what it served before.
 * @param by who asks, and why: it stands in the ledger
 */
export const rollBackProd =
  (needs: RollBackProdDependencies) =>
  async ({ model, id, by }: { model: string; id: string; by: string }): Promise<RollbackResult> => {
    const { claims, ledger, messages, clock } = needs;
    // Asked before the claim is taken, too: a wish that cannot be granted must stop no delivery.
    const held = await claims.read("prod", model);
    const before = await planRollback(needs, model, held?.fence ?? 0);
    await verifyTarget(needs, before);
    // Noted before anything changes: whatever dies from here on, the sweep brings their messages to what is then.
    const affected = new Set([held?.holder, before.canary?.delivery, before.from.delivery]);
    for (const delivery of affected) if (delivery) await messages.expect(delivery);
    const now = clock();
    const grant = await claims.take(
      { environment: "prod", model, delivery: id, requestedAt: now, now, by },
      "force",
    );
    if (grant.status !== "granted") throw new Error("a claim taken by force is granted");
    const writer = { model, delivery: id, fence: grant.fence };
    const { from, to, ended, proof } = await endCanary(needs, model, grant.fence - 1).catch(async (fault) => {
      await claims.release("prod", model, id);
      throw fault;
    });
    const entry = await ledger.begin(
      {
        ...to,
        delivery: id,
        fence: grant.fence,
        previous: to.previous,
        reason: proof === "absent" ? `${by} (the image is from before provenance was kept)` : by,
        takesBack: ended === null ? from.delivery : null,
        environment: "prod",
        model,
      },
      now,
    );
    await ledger.change(entry, (current) => ({ ...current, status: "promoting" }));
    let functionVersion: string | null;
    try {
      functionVersion = await restoreEnvironment(needs)("prod", writer, to);
    } catch (fault) {
      // The version before does not prove itself: better the one that prod served. Where that cannot be put back
      // either, the claim stays open, and sweep-deliveries puts prod where the ledger says.
      await ledger.change(entry, (current) => ({ ...current, status: "ended" }));
      await restoreEnvironment(needs)("prod", writer, from);
      await claims.release("prod", model, id);
      throw fault;
    }
    const promoted = await ledger.change(entry, (current) => ({
      ...current,
      functionVersion: functionVersion ?? current.functionVersion,
      status: "promoted",
      promotedAt: clock(),
      shares: [{ percent: 100, from: clock() }],
    }));
    // Before prod is given back: a rollback that dies here is brought to its end by that claim.
    const stage = await syncStage(needs)({ model, id, target: promoted });
    await claims.release("prod", model, id);
    for (const delivery of new Set([...affected, from.delivery, ended]))
      if (delivery) await messages.show(delivery);
    return { to: promoted, from, ended, provenance: proof, stage };
  };

/** Ends the deployment under way, where there is one; looks again where it was promoted a moment before. */
const endCanary = async (needs: RollBackProdDependencies, model: string, fence: number) => {
  for (;;) {
    const way = await planRollback(needs, model, fence);
    const { from, to, canary } = way;
    const proof = await verifyTarget(needs, way);
    if (!canary) return { from, to, proof, ended: null };
    const left = await needs.ledger.change(canary, (current) =>
      current.status === "promoted" ? undefined : { ...current, status: "ended" },
    );
    if (left.status === "ended") return { from, to, proof, ended: canary.delivery };
  }
};

/** Verifies what prod is to go back to. Throws ProvenanceMissing, ProvenanceRefused or ProvenanceDiffers. */
const verifyTarget = async (
  { provenance }: RollBackProdDependencies,
  { to, canary }: { readonly to: Deployment; readonly canary: Deployment | undefined },
): Promise<RollbackResult["provenance"]> => {
  if (canary) return "serving";
  // The ledger says so itself: that somebody removed what was kept makes no image an older one.
  if (to.builder === null) return "absent";
  await provenance.verify({ digest: to.digest, model: to.model, commit: to.commit });
  return "verified";
};

/**
 * From which deployment to which a rollback goes.
 * @param fence of the last claim before the rollback's own: what was deployed under it and has not ended is under way
 */
const planRollback = async ({ ledger }: RollBackProdDependencies, model: string, fence: number) => {
  const from = await ledger.serving("prod", model);
  if (!from) throw new NothingBefore(`prod serves no version of ${model}, so there is nothing to roll back`);
  const [newest] = await ledger.entries("prod", model, 1);
  const canary =
    newest && newest.sequence > from.sequence && newest.status !== "ended" && newest.fence === fence
      ? newest
      : undefined;
  const to = canary ? from : from.previous > 0 ? await ledger.at("prod", model, from.previous) : undefined;
  if (!to)
    throw new NothingBefore(
      `version ${from.version} is the first that prod served of ${model}: there is none before it`,
    );
  return { from, to, canary };
};
