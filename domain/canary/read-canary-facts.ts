import {
  type Approval,
  type ApprovalReader,
  createApprovalReader,
} from "#domain/approval/approval-records.ts";
import { findPresentClosure } from "#domain/changes/find-present-closure.ts";
import { createFreezes, type Freezes } from "#domain/changes/freezes.ts";
import { createHolds, type Holds } from "#domain/changes/holds.ts";
import { createOutcomes, type Outcomes } from "#domain/delivery/outcomes.ts";
import { createLedger, type Deployment, type Ledger } from "#domain/ledger/ledger.ts";
import type { Store } from "#platform/store/store.ts";
import { type Canaries, createCanaries } from "./canaries.ts";
import { type CanaryControl, findHold, listOrders } from "./canary-control.ts";
import type { CanaryFacts } from "./canary-facts.ts";
import type { CanaryLook } from "./canary-look.ts";
import { measureHeldTime } from "./measure-held-time.ts";

export type ReadCanaryFactsDependencies = {
  readonly ledger: Pick<Ledger, "ofDelivery" | "at">;
  readonly approvals: Pick<ApprovalReader, "ofDelivery">;
  readonly canaries: Pick<Canaries, "read" | "looks">;
  readonly holds: Pick<Holds, "read">;
  readonly freezes: Pick<Freezes, "ofModel">;
  readonly outcomes: Pick<Outcomes, "read">;
  readonly clock: () => number;
};

/**
 * What is known about the canary of a delivery, from stored facts alone and so equal in both worlds. Undefined: the
 * delivery gave no share of prod's traffic to its version.
 */
export const readCanaryFacts =
  ({ ledger, approvals, canaries, holds, freezes, outcomes, clock }: ReadCanaryFactsDependencies) =>
  async (model: string, delivery: string): Promise<CanaryFacts | undefined> => {
    const deployment = await ledger.ofDelivery("prod", model, delivery);
    const startedAt = deployment?.shares[0]?.from;
    // A first version gets all of prod's traffic at once.
    const shares = (deployment?.shares ?? []).filter(({ percent }) => percent > 0 && percent < 100);
    if (!deployment || startedAt === undefined || shares.length === 0) return undefined;
    const now = clock();
    const control = await canaries.read(delivery);
    const closing = await holds.read(delivery);
    const held = measureHeldTime({ control, hold: closing }, { startedAt, now });
    const looks = await canaries.looks(delivery);
    const questions = await approvals.ofDelivery(delivery);
    const question = questions.at(-1);
    const open = question?.canary && question.state.status === "pending" ? question : undefined;
    const look = looks.at(-1);
    const hold = findHold(control, now);
    const status = findStatus(deployment, control, {
      isAsked: open !== undefined,
      isHeld: hold !== undefined,
    });
    const isOver = status === "promoted" || status === "ended";
    const breakGlass = questions.findLast(({ canary }) => canary === null)?.breakGlass;
    const inForce = isOver ? [] : await freezes.ofModel(model);
    const closed = isOver
      ? undefined
      : findPresentClosure({ model, hold: closing, freezes: inForce, breakGlass, now });
    // The newest measurement may still be of the step before: this one began a moment ago.
    const present = look?.percent === shares.at(-1)?.percent ? look : undefined;
    const isRunning = status === "running" || status === "held";
    const ended = await outcomes.read(delivery);
    const planned = look?.rule.steps ?? questions[0]?.evidence.rollout?.steps ?? [];
    return {
      ...{ model, delivery, version: deployment.version, status, startedAt, looks },
      championVersion: (await ledger.at("prod", model, deployment.previous))?.version ?? null,
      steps: listSteps(planned, shares, deployment.status),
      percent: shares.at(-1)?.percent ?? 0,
      nextLookAt:
        status === "running" && !closed && look ? findNextLook(look, shares.at(-1)?.from ?? startedAt) : null,
      endsAt: isRunning && look ? startedAt + look.rule.atMostSeconds * 1_000 + held : null,
      samples: present
        ? {
            champion: present.champion.requests,
            challenger: present.challenger.requests,
            required: present.rule.requiredRequests,
          }
        : null,
      hold: hold ?? null,
      closed: closed ?? null,
      abort: control.abort,
      question: open ? { approval: open.id, expiresAt: open.expiresAt } : null,
      orders: listOrders(control),
      votes: questions.flatMap(listVotes),
      error: ended?.error ?? null,
    };
  };

/** The votes on a question about the canary; none of a question about prod. */
const listVotes = ({ canary, state, rule, postponed = [] }: Approval): CanaryFacts["votes"] => {
  if (!canary) return [];
  const votes = state.status === "pending" ? state.votes : "decision" in state ? state.decision.by : [];
  const verdict = "decision" in state ? state.decision.status : "approved";
  const { percent } = canary;
  const counts = { percent, approvals: verdict === "approved" ? votes.length : 0, quorum: rule.quorum };
  return [
    ...votes.map(({ user, name, at }) => ({ by: user, name, at: Date.parse(at), verdict, ...counts })),
    ...postponed.map(({ user, name, at }) => ({
      by: user,
      name,
      at,
      verdict: "waiting" as const,
      ...counts,
    })),
  ];
};

/** The same for a reader that has the store alone. */
export const createCanaryFactsReader = (needs: { readonly store: Store; readonly clock: () => number }) =>
  readCanaryFacts({
    ledger: createLedger(needs),
    approvals: createApprovalReader(needs),
    canaries: createCanaries(needs),
    holds: createHolds(needs),
    freezes: createFreezes(needs),
    outcomes: createOutcomes(needs),
    clock: needs.clock,
  });

const findStatus = (
  { status }: Deployment,
  { abort }: CanaryControl,
  { isAsked, isHeld }: { readonly isAsked: boolean; readonly isHeld: boolean },
): CanaryFacts["status"] => {
  switch (status) {
    case "deployed":
    case "canary":
      return abort ? "aborting" : isAsked ? "asked" : isHeld ? "held" : "running";
    case "promoting":
    case "promoted":
    case "ended":
      return status;
    default:
      return status satisfies never;
  }
};

const findNextLook = ({ last, step, rule }: CanaryLook, since: number): number =>
  Math.max(last?.step === step ? last.at : since, since) + rule.bakeSeconds * 1_000;

/** The planned steps, and those that happened, in case the rules changed in between. */
const listSteps = (
  planned: readonly number[],
  shares: Deployment["shares"],
  status: Deployment["status"],
): CanaryFacts["steps"] => {
  const last = shares.at(-1)?.percent;
  const current = status === "canary" || status === "deployed" ? last : undefined;
  const stopped = status === "ended" ? last : undefined;
  const percents = [...new Set([...shares.map(({ percent }) => percent), ...planned])].toSorted(
    (left, right) => left - right,
  );
  return [...percents, 100].map((percent) => {
    const from = shares.find((share) => share.percent === percent)?.from ?? null;
    const isDone = percent === 100 ? status === "promoted" : from !== null && percent !== current;
    if (percent === current) return { percent, from, state: "current" };
    if (percent === stopped) return { percent, from, state: "stopped" };
    return { percent, from, state: isDone ? "done" : "next" };
  });
};
