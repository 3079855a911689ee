import type { Approvals } from "#domain/approval/approvals.ts";
import type { AssertApprovable } from "#domain/approval/assert-approvable.ts";
import { assertApproved } from "#domain/approval/assert-approved.ts";
import { type CheckProdOpenDependencies, checkProdOpen } from "#domain/changes/check-prod-open.ts";
import { findLastOpening } from "#domain/changes/holds.ts";
import type { Claims } from "#domain/claims/claims.ts";
import { createDeliveryPeople } from "#domain/delivery/delivery-people.ts";
import { ProdBusy } from "#domain/delivery/errors.ts";
import {
  type LoadRulesDependencies,
  loadRules,
  readCommittedManifest,
} from "#domain/delivery/read-committed-model.ts";
import { assertNotEnded } from "#domain/ledger/assert-not-ended.ts";
import type { Ledger } from "#domain/ledger/ledger.ts";
import type { DeliveryMessages } from "#domain/message/delivery-messages.ts";
import type { Store } from "#platform/store/store.ts";
import type { Claim, ClaimInput } from "#statemachine/contracts.ts";

type ClaimEnvironmentDependencies = CheckProdOpenDependencies &
  LoadRulesDependencies & {
    readonly store: Store;
    readonly claims: Claims;
    readonly ledger: Ledger;
    readonly approvals: Approvals;
    readonly messages: DeliveryMessages;
    readonly assertApprovable: AssertApprovable;
    readonly clock: () => number;
  };

/** How long a delivery waits for a busy prod after its approval, and after prod opened. */
const maxWaitMs = 6 * 3_600_000;

/**
 * Claims stage and supersedes older deliveries of the model, or claims prod, which it never takes from its holder. A freeze
 * or the hours of its rules hold a delivery before prod, for as long as they last.
 * Throws Superseded when a later push has stage, ProdBusy when the wait is over its limit, ApprovalMismatch when the
 * input is not what was approved, and for stage QuorumOutOfReach when too few approvers had no part in it.
 */
export const claimEnvironment =
  (needs: ClaimEnvironmentDependencies) =>
  async (input: ClaimInput): Promise<Claim> => {
    const { claims, ledger, approvals, messages, assertApprovable, clock } = needs;
    const { model, delivery, commit } = input;
    const request = { ...input, now: clock() };

    if (input.environment === "stage") {
      await createDeliveryPeople(needs).note(delivery, {
        author: input.author?.email ?? null,
        owner: await findOwner(needs, model, commit),
      });
      await assertApprovable(input);
      const grant = await claims.take(request, "newer");
      if (grant.status === "busy") throw new Error("a stage claim is never busy");
      for (const older of await approvals.open(model)) {
        // A canary that asks has prod: like every holder of prod, it is never superseded.
        if (older.delivery === delivery || older.fence >= grant.fence || older.canary) continue;
        const cause = `superseded by the later delivery ${delivery}`;
        // An earlier decision stays visible; the older delivery ends when it next checks its claim.
        await approvals.withdraw(older.id, { name: "Superseded", cause });
        await messages.show(older.delivery);
      }
      return grant;
    }

    await assertApproved({ approvals })(input);
    await claims.assertHeld("stage", model, input.stageFence);
    // Prod closed after it was deployed, and a rollback came meanwhile.
    const deployed = await ledger.ofDelivery("prod", model, delivery);
    if (deployed) assertNotEnded(deployed);
    const served = await ledger.serving("prod", model);
    const { rules } = await loadRules(needs)(model, commit, served?.commit);
    const access = await checkProdOpen(needs)({ delivery, model, prodHours: rules.prodHours });
    if (access.hold) await messages.show(delivery);
    if (access.status === "held") {
      const { why, until } = access.closure;
      return input.waitsWhileClosed
        ? { status: "held", until, why, waitSeconds: access.waitSeconds }
        : { status: "busy", holder: why };
    }
    const grant = await claims.take(request, "free");
    if (grant.status === "busy") {
      if (clock() - Math.max(input.approvedAt, findLastOpening(access.hold)) > maxWaitMs)
        throw new ProdBusy(`prod of ${model} was held by ${grant.holder} for over 6 hours`);
      return grant;
    }
    const serving = (await ledger.serving("prod", model))?.sequence ?? 0;
    if (serving === input.baseline) return grant;
    await claims.release("prod", model, delivery);
    return { status: "stale", serving };
  };

/** Null where model.yaml cannot be read: the check that follows reads it too, and says why. */
const findOwner = (
  needs: ClaimEnvironmentDependencies,
  model: string,
  commit: string,
): Promise<string | null> =>
  readCommittedManifest(needs)(model, commit).then(
    ({ owner }) => owner,
    () => null,
  );
