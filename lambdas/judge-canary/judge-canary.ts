import { setTimeout } from "node:timers/promises";
import {
  type AssertApprovedDependencies as ApprovedNeeds,
  assertApproved,
} from "#domain/approval/assert-approved.ts";
import { isReplayCheck } from "#domain/canary/check-replay.ts";
import { type JudgeCanaryOutput, evaluateCanary as judge } from "#domain/canary/evaluate-canary.ts";
import { choosePercentiles } from "#domain/canary/p95-interval.ts";
import { replayCanary } from "#domain/canary/replay-canary.ts";
import { type CheckProdOpenDependencies, checkProdOpen } from "#domain/changes/check-prod-open.ts";
import { measureHeld } from "#domain/changes/holds.ts";
import { ContractBroken, Superseded } from "#domain/delivery/errors.ts";
import { loadRules } from "#domain/delivery/read-committed-model.ts";
import { assertDeployed } from "#domain/ledger/assert-deployed.ts";
import type { Deployment, Ledger } from "#domain/ledger/ledger.ts";
import type { DeliveryMessages } from "#domain/message/delivery-messages.ts";
import type { PlatformPolicy } from "#domain/policy/platform-policy.ts";
import { listCountedLabels } from "#model-folder/manifest/list-counted-labels.ts";
import { durationToSeconds } from "#model-folder/manifest/manifest.ts";
import type { Metrics, Statistics } from "#platform/metrics/metrics.ts";
import type { Serving } from "#platform/serving/serving.ts";
import type { Source } from "#platform/source/source.ts";
import type { AnyCanaryInput } from "#statemachine/canary-contracts.ts";

type JudgeCanaryDependencies = ApprovedNeeds &
  CheckProdOpenDependencies & {
    readonly serving: { readonly prod: Pick<Serving, "invoke"> };
    readonly metrics: Metrics;
    readonly source: Source;
    readonly policy: Pick<PlatformPolicy, "read">;
    readonly ledger: Ledger;
    readonly messages: DeliveryMessages;
    readonly clock: () => number;
    /** Waits so many milliseconds. */
    readonly wait?: (ms: number) => Promise<void>;
  };

/** Where nothing waits for prod to open. */
const shortestWaitSeconds = 60;

/** CloudWatch keeps values of a minute for 15 days. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html */
const longestWindowMs = 14 * 86_400_000;

/**
 * Compares the two versions on the traffic since the share began: shift on, bake again, promote, roll back, or ask the
 * approvers. While prod is closed, a canary that is not proven worse keeps its share. Where too little traffic ends the canary, recorded inputs are replayed as evidence for people. With the
 * approval of this step, a canary without a verdict goes on, and the ledger names who approved. Throws Superseded or
 * ApprovalMismatch.
 */
export const judgeCanary =
  (needs: JudgeCanaryDependencies) =>
  async (input: AnyCanaryInput): Promise<JudgeCanaryOutput> => {
    const {
      serving,
      metrics,
      source,
      policy,
      ledger,
      messages,
      approvals,
      clock,
      wait = (ms: number) => setTimeout(ms),
    } = needs;
    const { delivery, model, commit, championVersion, functionVersion, step, since } = input;
    const champion = await ledger.serving("prod", model);
    const {
      rules,
      challenger: manifest,
      champion: championManifest,
    } = await loadRules({ source, policy })(model, commit, champion?.commit);
    const deployment = await ledger.ofDelivery("prod", model, delivery);
    const startedAt = deployment?.shares[0]?.from;
    if (!deployment || startedAt === undefined)
      throw new ContractBroken(`the ledger knows no canary of ${delivery}`);
    // A canary that a person ended gets no traffic: without this check it would bake for its longest time.
    if (deployment.status === "ended") throw new Superseded("this canary was ended by a rollback");
    // The metrics of another function version say nothing about the version to promote.
    await assertDeployed({ ledger })(deployment, { functionVersion, championVersion });
    const decision =
      "canaryApproval" in input &&
      (await assertApproved({ approvals })({
        ...deployment,
        approval: input.canaryApproval,
        baseline: deployment.previous,
        canaryStep: step,
      }));

    const access = await checkProdOpen(needs)({ delivery, model, prodHours: rules.prodHours });
    const now = clock();
    const labels = listCountedLabels(manifest);
    // If the clock was set back since then, judge the window of the bake that has just ended.
    const windowStart = since <= now ? since : now - durationToSeconds(rules.canary.bake) * 1_000;
    // The approvers of an inconclusive canary may take weeks.
    const from = Math.max(windowStart, now - longestWindowMs);
    const statistics = (version: string): Promise<Statistics> =>
      metrics.statistics(
        { environment: "prod", model, version, from, to: now },
        { percentiles: choosePercentiles, labels },
      );
    const judged = judge({
      rule: rules.canary,
      limits: rules.canaryLimits,
      labels,
      step,
      champion: await statistics(championVersion),
      challenger: await statistics(functionVersion),
      // While prod is closed nothing is to be decided, so that time does not count.
      startedAt: startedAt + measureHeld(access.hold, startedAt),
      now,
      accepted: decision !== false,
    });
    // Closed is closed for steps forward and questions. What is proven worse is rolled back at any time.
    const isHeld =
      access.status === "held" &&
      judged.verdict !== "fail" &&
      // An older definition has no state in which an accepted step could wait.
      (input.waitsWhileClosed === true || !("canaryApproval" in input));
    const accepted =
      decision && judged.verdict === "inconclusive"
        ? {
            percent: rules.canary.steps[step] ?? 0,
            approval: decision.approval,
            by: decision.by.map(({ user }) => user),
            at: decision.decidedAt,
          }
        : undefined;
    const endsInconclusive =
      !isHeld && judged.verdict === "inconclusive" && (judged.next === "ask" || judged.next === "roll-back");
    const replay =
      endsInconclusive && champion && championManifest
        ? await replayCanary({ serving: serving.prod, clock, wait })({
            model,
            champion,
            challenger: functionVersion,
            manifests: [championManifest, manifest],
            limits: rules.canaryLimits,
            labels,
          })
        : { checks: decision ? deployment.checks.filter(isReplayCheck) : [], omitted: [] };
    const checks = [...judged.checks, ...replay.checks];
    await ledger.change(deployment, (current) =>
      current.status === "canary"
        ? {
            ...current,
            checks,
            acceptedSteps: addAcceptedStep(current, accepted),
            ...(access.status === "open" && access.breakGlass && { breakGlass: access.breakGlass }),
          }
        : undefined,
    );
    await messages.show(delivery);
    return {
      ...judged,
      ...(isHeld && { next: input.waitsWhileClosed ? "hold" : "bake", step, error: null }),
      waitSeconds: access.status === "held" ? access.waitSeconds : shortestWaitSeconds,
      checks,
      omitted: [...replay.omitted],
      approvalTimeoutSeconds: durationToSeconds(rules.approval.timeout),
    };
  };

type AcceptedStep = Deployment["acceptedSteps"][number];

/** A retry adds nothing. */
const addAcceptedStep = (
  { acceptedSteps }: Deployment,
  accepted: AcceptedStep | undefined,
): AcceptedStep[] =>
  accepted && !acceptedSteps.some(({ approval }) => approval === accepted.approval)
    ? [...acceptedSteps, accepted]
    : acceptedSteps;
