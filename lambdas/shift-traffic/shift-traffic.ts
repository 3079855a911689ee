import { type Canaries, describeAbort } from "#domain/canary/canaries.ts";
import { type AssertProdOpenDependencies, assertProdOpen } from "#domain/changes/assert-prod-open.ts";
import { CanaryAborted, ContractBroken } from "#domain/delivery/errors.ts";
import { loadRules } from "#domain/delivery/read-committed-model.ts";
import { setLiveAlias } from "#domain/deployment/set-live-alias.ts";
import { assertDeployed } from "#domain/ledger/assert-deployed.ts";
import { assertNotEnded } from "#domain/ledger/assert-not-ended.ts";
import type { Ledger } from "#domain/ledger/ledger.ts";
import type { DeliveryMessages } from "#domain/message/delivery-messages.ts";
import type { PlatformPolicy } from "#domain/policy/platform-policy.ts";
import { durationToSeconds } from "#model-folder/manifest/manifest.ts";
import type { Serving } from "#platform/serving/serving.ts";
import type { Source } from "#platform/source/source.ts";
import type { ShiftTrafficInput, ShiftTrafficOutput } from "#statemachine/contracts.ts";

type ShiftTrafficDependencies = AssertProdOpenDependencies & {
  readonly serving: { readonly prod: Serving };
  readonly source: Source;
  readonly policy: Pick<PlatformPolicy, "read">;
  readonly ledger: Ledger;
  readonly messages: DeliveryMessages;
  readonly canaries: Pick<Canaries, "read">;
};

/**
 * Gives the new version one step's share of prod's traffic. Throws ProdClosed before the first share alone: JudgeCanary
 * asks before each later one. Throws Superseded, CanaryAborted or ApprovalMismatch.
 */
export const shiftTraffic =
  (needs: ShiftTrafficDependencies) =>
  async (input: ShiftTrafficInput): Promise<ShiftTrafficOutput> => {
    const { serving, source, policy, ledger, messages, canaries, clock } = needs;
    const { delivery, model, commit, fence, championVersion, functionVersion, step } = input;
    const champion = await ledger.serving("prod", model);
    const { rules } = await loadRules({ source, policy })(model, commit, champion?.commit);
    const share = rules.canary.steps[step];
    if (share === undefined) throw new ContractBroken(`the canary of ${model} has no step ${step}`);
    const deployment = await ledger.ofDelivery("prod", model, delivery);
    if (!deployment) throw new ContractBroken(`the ledger knows no deployment of ${delivery} on prod`);

    // First, because an ended deployment is superseded even if the state's data names other versions.
    assertNotEnded(deployment);
    await assertDeployed({ ledger })(deployment, { functionVersion, championVersion });
    const { abort } = await canaries.read(delivery);
    if (abort) throw new CanaryAborted(describeAbort(abort));
    // A run that died after its write to the alias is completed: the version has its traffic already.
    const hasTraffic =
      deployment.shares.length > 0 ||
      (await serving.prod.live(model))?.canary?.version === deployment.functionVersion;
    if (input.waitsWhileClosed && !hasTraffic)
      await assertProdOpen(needs)({ delivery, model, prodHours: rules.prodHours });
    await setLiveAlias(serving.prod)(
      { model, delivery, fence },
      { version: championVersion, canary: { version: functionVersion, weight: share / 100 } },
    );
    // The window starts when the share is known to be live; a step that runs twice keeps its first start.
    const entry = await ledger.change(deployment, (current) => {
      assertNotEnded(current);
      return current.shares.some(({ percent }) => percent === share)
        ? undefined
        : { ...current, status: "canary", shares: [...current.shares, { percent: share, from: clock() }] };
    });
    const since = entry.shares.find(({ percent }) => percent === share)?.from ?? clock();
    await messages.show(delivery);
    return { step, share, since, bakeSeconds: durationToSeconds(rules.canary.bake) };
  };
