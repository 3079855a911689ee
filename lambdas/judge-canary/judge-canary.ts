import { setTimeout } from "node:timers/promises";
import {
  type AssertApprovedDependencies as ApprovedNeeds,
  assertApproved,
} from "#domain/approval/assert-approved.ts";
import { expiryMarginSeconds } from "#domain/approval/expiry-margin-seconds.ts";
import { type Canaries, describeAbort } from "#domain/canary/canaries.ts";
import { findHold, listOrders } from "#domain/canary/canary-control.ts";
import { isReplayCheck } from "#domain/canary/check-replay.ts";
import { type JudgeCanaryOutput, evaluateCanary as judge } from "#domain/canary/evaluate-canary.ts";
import { chooseCanaryPercentiles } from "#domain/canary/measure-canary.ts";
import { measureHeldTime } from "#domain/canary/measure-held-time.ts";
import { scorePercentiles } from "#domain/canary/measure-scores.ts";
import { isLookDue, isSampleDue, planWait } from "#domain/canary/plan-round.ts";
import { recordLook } from "#domain/canary/record-look.ts";
import { replayCanary } from "#domain/canary/replay-canary.ts";
import { type CheckProdOpenDependencies, checkProdOpen } from "#domain/changes/check-prod-open.ts";
import { CanaryAborted, ContractBroken, Superseded } from "#domain/delivery/errors.ts";
import { loadRules } from "#domain/delivery/read-committed-model.ts";
import { assertDeployed } from "#domain/ledger/assert-deployed.ts";
import type { Deployment, Ledger } from "#domain/ledger/ledger.ts";
import type { DeliveryMessages } from "#domain/message/delivery-messages.ts";
import type { PlatformPolicy } from "#domain/policy/platform-policy.ts";
import { findReportedScore, type ReportedScore } from "#model-folder/manifest/find-reported-score.ts";
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
    readonly canaries: Pick<Canaries, "read" | "decide" | "lastLook" | "addLook">;
    readonly clock: () => number;
    /** Milliseconds of a bake, where this world does not take the manifest's. */
    readonly bakeMs?: number | undefined;
    /** Waits so many milliseconds. */
    readonly wait?: (ms: number) => Promise<void>;
  };

/** CloudWatch keeps values of a minute for 15 days. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html */
const longestWindowMs = 14 * 86_400_000;

/**
 * One round of a canary. Carries out what people ordered: an abort throws CanaryAborted, a hold keeps the share. At the
 * end of a bake it compares the two versions on the traffic since the share began: shift on, bake again, promote, roll
 * back, or ask the approvers. While prod is closed, a canary that is not proven worse keeps its share. Where too little
 * traffic ends the canary, recorded inputs are replayed as evidence for people. With the approval of this step, a canary
 * without a verdict goes on, and the ledger names who approved. Throws Superseded or ApprovalMismatch.
 */
export const judgeCanary =
  (dependencies: JudgeCanaryDependencies) =>
  async (input: AnyCanaryInput): Promise<JudgeCanaryOutput> => {
    const { serving, metrics, source, policy, ledger, messages, approvals, canaries, clock } = dependencies;
    const { bakeMs: worldBakeMs, wait = (ms) => setTimeout(ms) } = dependencies;
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

    const access = await checkProdOpen(dependencies)({ delivery, model, prodHours: rules.prodHours });
    const now = clock();
    const bakeMs = worldBakeMs ?? durationToSeconds(rules.canary.bake) * 1_000;
    const control = await canaries.read(delivery);
    const orders = listOrders(control);
    if (control.abort) {
      await ledger.change(deployment, (current) =>
        current.status === "canary" ? { ...current, orders } : undefined,
      );
      throw new CanaryAborted(describeAbort(control.abort));
    }
    // Closed is closed for steps forward and questions. An older definition has no state in which an accepted step could wait.
    const isClosed = access.status === "held" && (decision === false || input.waitsWhileClosed === true);
    // Approvers who let this step go on were asked after every hold.
    const held = decision === false && findHold(control, now) !== undefined;
    // Where the rule rolls an inconclusive canary back, nobody may let it go on.
    const asked =
      decision === false &&
      !isClosed &&
      control.go?.step === step &&
      rules.canary.onInconclusive !== "roll-back";
    const newest = await canaries.lastLook(delivery);
    const last = newest?.last?.step === step ? newest.last : undefined;
    const isDue =
      (decision !== false && !isClosed) ||
      isLookDue({ now, since, bakeMs, last, held: held || isClosed, asked });
    // An accepted step waits in a state of its own.
    const stay = decision === false ? "bake" : "hold";
    const approvalTimeoutSeconds = durationToSeconds(rules.approval.timeout) + expiryMarginSeconds;
    const waitUntil = (nextLookAt: number) => planWait({ now, startedAt, nextLookAt });
    const waiting: JudgeCanaryOutput = {
      ...{ verdict: "inconclusive", next: stay, step, checks: [], error: null, omitted: [] },
      approvalTimeoutSeconds,
      waitSeconds: waitUntil((last?.at ?? since) + bakeMs),
    };
    if (!isDue && !isSampleDue({ now, startedAt, bakeMs, lastAt: newest?.at })) {
      await messages.show(delivery);
      return waiting;
    }
    const labels = listCountedLabels(manifest);
    // If the clock was set back since then, judge the window of the bake that has just ended.
    const windowStart = since <= now ? since : now - bakeMs;
    // The approvers of an inconclusive canary may take weeks.
    const from = Math.max(windowStart, now - longestWindowMs);
    const statistics = (version: string, score: ReportedScore | undefined): Promise<Statistics> =>
      metrics.statistics(
        { environment: "prod", model, version, from, to: now },
        {
          ...{ percentiles: chooseCanaryPercentiles, labels },
          scorePercentiles: score && scorePercentiles,
        },
      );
    const scores = {
      champion: championManifest && findReportedScore(championManifest),
      challenger: findReportedScore(manifest),
    };
    const arms = {
      champion: await statistics(championVersion, scores.champion),
      challenger: await statistics(functionVersion, scores.challenger),
    };
    const record = recordLook({ canaries })(newest, {
      ...{ delivery, step, since, startedAt, at: now, rules, bakeMs, labels, arms, scores },
      percent: rules.canary.steps[step] ?? 0,
    });
    const measureOnly = async (): Promise<JudgeCanaryOutput> => {
      await record(null);
      await messages.show(delivery);
      return waiting;
    };
    if (!isDue) return measureOnly();
    const evaluated = judge({
      rule: rules.canary,
      limits: rules.canaryLimits,
      labels,
      step,
      ...arms,
      // The time in which people held the canary, or prod was closed, does not count.
      startedAt: startedAt + measureHeldTime({ control, hold: access.hold }, { startedAt, now }),
      now,
      accepted: decision !== false,
      held,
      asked,
    });
    // One person's "go" asks the approvers; it does not shorten the bake of a canary that passes so far.
    if (evaluated.verdict === "pass" && asked && now >= since && now - since < bakeMs) return measureOnly();
    // What is proven worse is rolled back at any time.
    const isStopped = isClosed && evaluated.verdict !== "fail";
    const judged: typeof evaluated = isStopped ? { ...evaluated, next: stay, step, error: null } : evaluated;
    const { next } = judged;
    const decided = next === "shift" || next === "promote" || next === "ask" ? { next, step } : null;
    // Somebody gave an order in the meantime: the round begins again with it.
    if (!(await canaries.decide(delivery, control, decided))) return judgeCanary(dependencies)(input);
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
      judged.verdict === "inconclusive" && (judged.next === "ask" || judged.next === "roll-back");
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
            orders,
            acceptedSteps: addAcceptedStep(current, accepted),
            ...(access.status === "open" && access.breakGlass && { breakGlass: access.breakGlass }),
          }
        : undefined,
    );
    await record({ ...judged, checks, held: held || isStopped });
    await messages.show(delivery);
    return {
      ...judged,
      checks,
      omitted: [...replay.omitted],
      approvalTimeoutSeconds,
      waitSeconds: waitUntil(now + bakeMs),
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
