import {
  type AssertApprovedDependencies as ApprovedNeeds,
  assertApproved,
} from "#domain/approval/assert-approved.ts";
import type { Canaries } from "#domain/canary/canaries.ts";
import { type AssertProdOpenDependencies, assertProdOpen } from "#domain/changes/assert-prod-open.ts";
import type { Claims } from "#domain/claims/claims.ts";
import { ApprovalMismatch, ContractBroken } from "#domain/delivery/errors.ts";
import { type LoadRulesDependencies, loadRules } from "#domain/delivery/read-committed-model.ts";
import { setLiveAlias } from "#domain/deployment/set-live-alias.ts";
import { assertDeployed } from "#domain/ledger/assert-deployed.ts";
import { assertNotEnded } from "#domain/ledger/assert-not-ended.ts";
import type { Ledger } from "#domain/ledger/ledger.ts";
import type { DeliveryMessages } from "#domain/message/delivery-messages.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import type { Serving } from "#platform/serving/serving.ts";
import type { PromoteModelInput, PromoteModelOutput } from "#statemachine/contracts.ts";

type PromoteModelDependencies = ApprovedNeeds &
  AssertProdOpenDependencies &
  LoadRulesDependencies & {
    readonly serving: { readonly prod: Serving };
    readonly ledger: Ledger;
    readonly claims: Claims;
    readonly messages: DeliveryMessages;
    readonly canaries: Pick<Canaries, "close">;
  };

/**
 * Gives the new version all of prod's traffic: ledger `promoting`, alias 100 %, ledger `promoted`. The last write is
 * the delivery's commit point: an error before it rolls back, after it everything goes forward. The function version
 * comes from the ledger and the approvers from the decision; the state's data must only agree. Throws CanaryAborted where
 * a person ended the canary before, and ProdClosed before a version without a canary gets its first traffic.
 */
export const promoteModel =
  (needs: PromoteModelDependencies) =>
  async (input: PromoteModelInput): Promise<PromoteModelOutput> => {
    const { serving, ledger, claims, approvals, messages, canaries, clock } = needs;
    const { delivery, model, commit, fence } = input;
    const deployment = await ledger.ofDelivery("prod", model, delivery);
    if (!deployment) throw new ContractBroken(`the ledger knows no deployment of ${delivery} on prod`);
    const { functionVersion } = deployment;
    let { approvedBy } = deployment;
    if (deployment.status !== "promoted") {
      const { by } = await assertApproved({ approvals })({ ...input, baseline: deployment.previous });
      approvedBy = by.map(({ user }) => user);
      if (deployment.digest !== input.digest || deployment.version !== input.version)
        throw new ApprovalMismatch(
          `prod of ${model} was given ${deployment.digest} as version ${deployment.version}, which nobody approved`,
        );
      await assertDeployed({ ledger })(deployment, { functionVersion: input.functionVersion });
      await claims.assertHeld("prod", model, fence);
      if (input.waitsWhileClosed && deployment.status === "deployed") {
        const { rules } = await loadRules(needs)(model, commit, undefined);
        await assertProdOpen(needs)({ delivery, model, prodHours: rules.prodHours });
      }
      // A version that had a canary: an abort up to here counts, and after it none is accepted.
      if (deployment.status === "canary") await canaries.close(delivery);
      // A run of this step that seemed dead may have passed the commit point: that is never taken back.
      await ledger.change(deployment, (current) => {
        assertNotEnded(current);
        return current.status === "promoted" ? undefined : { ...current, status: "promoting" };
      });
      await setLiveAlias(serving.prod)({ model, delivery, fence }, { version: functionVersion });
      const live = await serving.prod.live(model);
      if (live?.version !== functionVersion || live.canary)
        throw new TemporaryFault(
          `prod's alias of ${model} does not read back as ${functionVersion} at 100 %`,
        );
    }
    const replaced = await ledger.at("prod", model, deployment.previous);
    if (replaced) await messages.expect(replaced.delivery);
    const promoted = await ledger.change(deployment, (current) => {
      if (current.status === "promoted") return undefined;
      const now = clock();
      assertNotEnded(current);
      return {
        ...current,
        status: "promoted",
        promotedAt: now,
        approvedBy,
        shares: [...current.shares, { percent: 100, from: now }],
      };
    });
    await messages.show(delivery);
    // The previous champion no longer serves prod, and its message says so.
    if (replaced) await messages.show(replaced.delivery);
    return {
      sequence: promoted.sequence,
      promotedAt: new Date(promoted.promotedAt ?? clock()).toISOString(),
    };
  };
