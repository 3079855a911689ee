import type { Deployment, Ledger } from "#domain/ledger/ledger.ts";
import { listServedDeployments } from "#domain/ledger/list-served-deployments.ts";
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
  /** The delivery whose canary was ended; prod then keeps its champion. Null: there was no canary. */
  readonly ended: string | null;
  /** absent: deployed before provenance existed; serving: already has the traffic, because only a canary was ended. */
  readonly provenance: "verified" | "absent" | "serving";
  /** busy: a delivery holds stage; failed: prod is rolled back, and the sweep retries stage. */
  readonly stage:
    | { readonly status: "restored" | "busy" }
    | { readonly status: "failed"; readonly error: unknown };
};

/** There is no previous version to roll back to. */
export class NothingBefore extends SlipwayError {
  override readonly name = "NothingBefore";
  override readonly retryable = false;
}

/** The version or ledger entry that a person names did not serve prod before, or serves it now. */
export class RollbackTargetUnknown extends SlipwayError {
  override readonly name = "RollbackTargetUnknown";
  override readonly retryable = false;
}

/** What to roll back to: a version of the registry (its last deployment that served), or one entry of the ledger. */
export type RollbackTarget = { readonly version: number } | { readonly sequence: number };

/**
 * A person's rollback: takes the claim of prod by force, so that no running delivery may write any more, restores the
 * previous version (during a canary: the champion alone), verifies its golden vectors and writes the ledger. Stage follows
 * unless a delivery holds it. Throws NothingBefore, RollbackTargetUnknown, and RollBackFailed where the restored version fails
 * its golden vectors: prod then serves what it served before.
 * @param by who and why, for the ledger
 * @param target absent: the previous version, or the champion alone during a canary
 */
export const rollBackProd =
  (dependencies: RollBackProdDependencies) =>
  async ({
    model,
    id,
    by,
    target,
  }: {
    model: string;
    id: string;
    by: string;
    target?: RollbackTarget | undefined;
  }): Promise<RollbackResult> => {
    const { claims, ledger, messages, clock } = dependencies;
    // Plan before taking the claim: a rollback that is not possible must stop no delivery.
    const held = await claims.read("prod", model);
    const before = await planRollback(dependencies, model, held?.fence ?? 0, target);
    await verifyTarget(dependencies, before);
    // Before any change: after a crash the sweep updates these messages.
    const affected = new Set([held?.holder, before.canary?.delivery, before.from.delivery]);
    for (const delivery of affected) if (delivery) await messages.expect(delivery);
    const now = clock();
    const grant = await claims.take(
      { environment: "prod", model, delivery: id, requestedAt: now, now, by },
      "force",
    );
    if (grant.status !== "granted") throw new Error("a forced claim must be granted");
    const writer = { model, delivery: id, fence: grant.fence };
    const { from, to, ended, proof } = await endCanary(dependencies, model, grant.fence - 1, target).catch(
      async (error) => {
        await claims.release("prod", model, id);
        throw error;
      },
    );
    const entry = await ledger.begin(
      {
        ...to,
        delivery: id,
        fence: grant.fence,
        previous: to.previous,
        reason: proof === "absent" ? `${by} (the image is from before provenance was kept)` : by,
        takesBack: to.sequence === from.sequence ? null : from.delivery,
        environment: "prod",
        model,
      },
      now,
    );
    await ledger.change(entry, (current) => ({ ...current, status: "promoting" }));
    let functionVersion: string | null;
    try {
      functionVersion = await restoreEnvironment(dependencies)("prod", writer, to);
    } catch (error) {
      // The previous version fails, so restore the one that prod served. If that fails too, the claim stays open, and the
      // sweep restores what the ledger says.
      await ledger.change(entry, (current) => ({ ...current, status: "ended" }));
      await restoreEnvironment(dependencies)("prod", writer, from);
      await claims.release("prod", model, id);
      throw error;
    }
    const promoted = await ledger.change(entry, (current) => ({
      ...current,
      functionVersion: functionVersion ?? current.functionVersion,
      status: "promoted",
      promotedAt: clock(),
      shares: [{ percent: 100, from: clock() }],
    }));
    // Before the release: if the rollback crashes here, the sweep finds the open claim and finishes it.
    const stage = await syncStage(dependencies)({ model, id, target: promoted });
    await claims.release("prod", model, id);
    for (const delivery of new Set([...affected, from.delivery, ended]))
      if (delivery) await messages.show(delivery);
    return { to: promoted, from, ended, provenance: proof, stage };
  };

/** Ends a running canary. If it was promoted in the meantime, plans the rollback again. */
const endCanary = async (
  dependencies: RollBackProdDependencies,
  model: string,
  fence: number,
  target: RollbackTarget | undefined,
) => {
  for (;;) {
    const plan = await planRollback(dependencies, model, fence, target);
    const { from, to, canary } = plan;
    const proof = await verifyTarget(dependencies, plan);
    if (!canary) return { from, to, proof, ended: null };
    const ended = await dependencies.ledger.change(canary, (current) =>
      current.status === "promoted" ? undefined : { ...current, status: "ended" },
    );
    if (ended.status === "ended") return { from, to, proof, ended: canary.delivery };
  }
};

/** Verifies the provenance of the target. Throws ProvenanceMissing, ProvenanceRefused or ProvenanceDiffers. */
const verifyTarget = async (
  { provenance }: RollBackProdDependencies,
  { from, to }: { readonly from: Deployment; readonly to: Deployment },
): Promise<RollbackResult["provenance"]> => {
  if (to.sequence === from.sequence) return "serving";
  // Only the ledger decides this: deleting provenance must not make an image count as old.
  if (to.builder === null) return "absent";
  await provenance.verify({ digest: to.digest, model: to.model, commit: to.commit });
  return "verified";
};

/** @param fence the last one before the rollback's own: a deployment under it that has not ended is a running canary */
const planRollback = async (
  { ledger }: RollBackProdDependencies,
  model: string,
  fence: number,
  target: RollbackTarget | undefined,
) => {
  const from = await ledger.serving("prod", model);
  if (!from) throw new NothingBefore(`prod serves no version of ${model}: nothing to roll back`);
  const [newest] = await ledger.entries("prod", model, 1);
  const canary =
    newest && newest.sequence > from.sequence && newest.status !== "ended" && newest.fence === fence
      ? newest
      : undefined;
  if (target) return { from, to: await findTarget(ledger, { from, canary, target }), canary };
  const to = canary ? from : from.previous > 0 ? await ledger.at("prod", model, from.previous) : undefined;
  if (!to)
    throw new NothingBefore(
      `version ${from.version} is the first that prod served of ${model}: there is none before it`,
    );
  return { from, to, canary };
};

const formatDeployment = ({ version, sequence }: Deployment): string => `v${version} (entry ${sequence})`;
const isSameArtefact = (one: Deployment, other: Deployment): boolean =>
  one.version === other.version && one.digest === other.digest;

/** The deployment that a person names, among those that served prod. */
const findTarget = async (
  ledger: Pick<Ledger, "entries">,
  {
    from,
    canary,
    target,
  }: { readonly from: Deployment; readonly canary: Deployment | undefined; readonly target: RollbackTarget },
): Promise<Deployment> => {
  const served = await listServedDeployments(ledger)(from.model);
  const found = served.find((entry) =>
    "version" in target ? entry.version === target.version : entry.sequence === target.sequence,
  );
  // To name the champion during a canary is to end the canary.
  const isServing = found !== undefined && isSameArtefact(found, from);
  if (isServing && canary) return from;
  if (found && !isServing) return found;
  const possible = served.filter(
    (entry, index) =>
      (canary !== undefined || !isSameArtefact(entry, from)) &&
      served.findIndex((other) => isSameArtefact(other, entry)) === index,
  );
  const named = "version" in target ? `version ${target.version}` : `entry ${target.sequence}`;
  const list =
    possible.length === 0
      ? "no other version has served it"
      : `it can go back to ${possible.map(formatDeployment).join(", ")}`;
  throw new RollbackTargetUnknown(
    `${named} of ${from.model} ${isServing ? "serves prod already" : "has not served prod"}: ${list}`,
  );
};
