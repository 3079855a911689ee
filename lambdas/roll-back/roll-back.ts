import type { Approvals } from "#domain/approval/approvals.ts";
import type { Canaries } from "#domain/canary/canaries.ts";
import { listOrders } from "#domain/canary/canary-control.ts";
import type { Claims } from "#domain/claims/claims.ts";
import { Superseded } from "#domain/delivery/errors.ts";
import type { LogWarning } from "#domain/delivery/log-warning.ts";
import { parseCaughtError } from "#domain/delivery/parse-caught-error.ts";
import type { Deployment } from "#domain/ledger/ledger.ts";
import {
  type RestoreEnvironmentDependencies as RestoreNeeds,
  restoreEnvironment,
} from "#domain/rollback/restore-environment.ts";
import type { Registry } from "#platform/registry/registry.ts";
import type { Environment } from "#platform/serving/serving.ts";
import type { RollBackInput, RollBackOutput, Subject } from "#statemachine/contracts.ts";
import { tagRejection } from "./tag-rejection.ts";

type RollBackDependencies = RestoreNeeds & {
  readonly claims: Claims;
  readonly approvals: Approvals;
  readonly canaries: Pick<Canaries, "read">;
  readonly registry: Registry;
  readonly warn: LogWarning;
  readonly clock: () => number;
};

type EnvironmentResult = RollBackOutput["restored"][number];

/**
 * Restores both environments to what the ledger says, verifies them and releases the claims. It does not touch a
 * delivery that the ledger calls promoted: `committed` sends it forward. Throws RollBackFailed with the claims still
 * open, so that sweep-deliveries tries again.
 */
export const rollBack =
  (needs: RollBackDependencies) =>
  async ({ error, ...subject }: RollBackInput): Promise<RollBackOutput> => {
    const { delivery, model } = subject;
    const { ledger, claims, approvals } = needs;
    // One write on one entry decides between ended and promoted, and the other writer sees it. It comes before anything
    // is restored: otherwise a PromoteModel that seemed dead could still pass the commit point during this step.
    const entry = await ledger.ofDelivery("prod", model, delivery);
    if (entry && (await endDeployment(needs, entry)).status === "promoted")
      return { committed: true, error: null, restored: [] };

    for (const approval of await approvals.open(model))
      if (approval.delivery === delivery) await approvals.close(approval.id, "the delivery has ended");
    const restored = [
      await rollBackEnvironment(needs)(subject, "prod"),
      await rollBackEnvironment(needs)(subject, "stage"),
    ];
    await removeChallengerAlias(needs, subject);
    await tagRejection(needs)(subject);
    for (const environment of ["prod", "stage"] as const) await claims.release(environment, model, delivery);
    return { committed: false, error: error && parseCaughtError(error), restored };
  };

const rollBackEnvironment =
  (needs: RollBackDependencies) =>
  async ({ delivery, model }: Subject, environment: Environment): Promise<EnvironmentResult> => {
    const { claims, ledger, serving } = needs;
    // A step of this delivery may still run (its state timed out, its execution was stopped). A higher fence locks it
    // out before anything is restored; otherwise it would overwrite the restored state.
    const fence = await claims.renew(environment, model, delivery).catch((error: unknown) => {
      if (error instanceof Superseded) return undefined;
      throw error;
    });
    const live = await serving[environment].live(model);
    const serves = live?.version ?? null;
    const entry = await ledger.ofDelivery(environment, model, delivery);
    if (fence === undefined) return { environment, result: entry ? "kept" : "untouched", serves };
    const target = await ledger.serving("prod", model);
    if (environment === "prod" && !entry && live && !live.canary)
      return { environment, result: "untouched", serves };
    if (!target && !live) {
      if (entry) await endDeployment(needs, entry);
      return { environment, result: "untouched", serves: null };
    }
    const version = await restoreEnvironment(needs)(environment, { model, delivery, fence }, target);
    if (entry) await endDeployment(needs, entry);
    // Only now: subscribers are told that prod serves its former version again.
    if (entry?.environment === "prod" && entry.shares.length > 0)
      await ledger.change(entry, (current) =>
        current.takenBackAt === null ? { ...current, takenBackAt: needs.clock() } : undefined,
      );
    return { environment, result: version === null ? "emptied" : "restored", serves: version };
  };

/** With every order about its canary: after the last judgement, or while the approvers are asked, no round notes an abort. */
const endDeployment = async (
  { ledger, canaries }: Pick<RollBackDependencies, "ledger" | "canaries">,
  entry: Deployment,
) => {
  const orders = entry.shares.length === 0 ? [] : listOrders(await canaries.read(entry.delivery));
  return ledger.change(entry, (current) =>
    current.status === "promoted" || current.status === "ended"
      ? undefined
      : { ...current, status: "ended", ...(orders.length > 0 && { orders }) },
  );
};

/** The registry only informs: without it the rollback goes on, and the next registration moves the alias anyway. */
const removeChallengerAlias = async (
  { registry, warn }: RollBackDependencies,
  { delivery, model }: Subject,
) => {
  try {
    const challenger = await registry.byAlias(model, "challenger");
    if (challenger?.tags.delivery === delivery) await registry.setAlias(model, "challenger", undefined);
  } catch (error) {
    warn(`the alias challenger of ${model} could not be taken back`, error, { delivery, model });
  }
};
