import { type AnswerOrigin, pickOrigin } from "#domain/approval/answer-origin.ts";
import type { Approval } from "#domain/approval/approval-records.ts";
import { type Approvals, findRequestedAddress, judgeVoter } from "#domain/approval/approvals.ts";
import { findGuestRefusal } from "#domain/approval/find-guest-refusal.ts";
import type { Holds } from "#domain/changes/holds.ts";
import type { Deployment, Ledger } from "#domain/ledger/ledger.ts";
import type { Canaries } from "./canaries.ts";
import { type CanaryControl, type CanaryOrder, holdLimits } from "./canary-control.ts";
import { formatDuration } from "./format-duration.ts";
import { computeRoundMs } from "./plan-round.ts";

export type GiveCanaryOrderDependencies = {
  readonly approvals: Pick<Approvals, "ofDelivery" | "abort">;
  readonly ledger: Pick<Ledger, "ofDelivery">;
  readonly canaries: Pick<Canaries, "order" | "read" | "lastLook">;
  readonly holds: Pick<Holds, "read">;
  readonly clock: () => number;
};

export type OrderRequest =
  | { readonly kind: "hold"; readonly forMs: number; readonly reason: string }
  | { readonly kind: "end-hold" }
  | {
      readonly kind: "go";
      /** What the person typed, where the "go" is a vote on inconclusive checks. */
      readonly confirmation?: string | undefined;
    }
  | { readonly kind: "abort"; readonly reason: string };

type Person = AnswerOrigin & {
  readonly user: string;
  readonly name: string;
  /** Where AWS knows who it is; otherwise the address that Slack showed when the approval was requested. */
  readonly email?: string | undefined;
};

export type OrderResult = { readonly taken: boolean; readonly sentence: string };

const refuse = (sentence: string): OrderResult => ({ taken: false, sentence });

/** Why there is no canary to give an order about; undefined: there is one. */
const describeNoCanary = (deployment: Deployment | undefined): string | undefined => {
  const status = deployment?.status ?? "deployed";
  switch (status) {
    case "canary":
      return undefined;
    case "deployed":
      return "This delivery has no canary yet.";
    case "promoting":
    case "promoted":
      return "This version is promoted, so its canary is over: `slipway rollback` puts the previous one back.";
    case "ended":
      return "This canary has ended: prod serves the previous version.";
    default:
      return status satisfies never;
  }
};

/** Why this person may not give the order; undefined: they may. Whoever may approve, and for an abort contributors too. */
const findRefusal = (approval: Approval, kind: OrderRequest["kind"], person: Person): string | undefined => {
  const address =
    person.email === undefined ? findRequestedAddress(person.user)(approval) : { email: person.email };
  if (kind === "abort")
    return approval.rule.approvers.includes(person.user)
      ? findGuestRefusal(approval, person.user)
      : "You are not an approver of this model, so you may not abort its canary: ask one.";
  // An order approves nothing, so who was in the rule's groups when the approval was requested may give it.
  const judged = judgeVoter(
    approval,
    person.user,
    address === "missing" ? address : { ...address, membership: "member" },
  );
  if (judged.result === "refused") return judged.why;
  return judged.result === "no address yet"
    ? "Slack showed no e-mail address for you when the approval was requested, so you may be a contributor: ask another approver."
    : undefined;
};

/** Why this person may not give this order now; undefined: it would be taken. */
export const checkCanaryOrder =
  ({ approvals, ledger }: Pick<GiveCanaryOrderDependencies, "approvals" | "ledger">) =>
  async (delivery: string, kind: OrderRequest["kind"], person: Person): Promise<string | undefined> => {
    const approval = (await approvals.ofDelivery(delivery)).at(-1);
    if (!approval) return "There is no approval of this delivery, so it has no canary.";
    const deployment = await ledger.ofDelivery("prod", approval.model, delivery);
    return describeNoCanary(deployment) ?? findRefusal(approval, kind, person);
  };

/**
 * Stores an order about a canary for its next round: hold (until an end), end-hold, go (ask the approvers now whether it
 * goes on without a verdict; their decision is an approval like any other), abort. An abort while the approvers are asked ends
 * their question, and with it the delivery, at once. Anyone who may approve may give orders; contributors may only abort.
 * Giving the same order again changes nothing, so a caller may retry.
 */
export const giveCanaryOrder =
  (needs: GiveCanaryOrderDependencies) =>
  async (delivery: string, request: OrderRequest, person: Person): Promise<OrderResult> => {
    const { approvals, ledger, canaries, holds, clock } = needs;
    const questions = await approvals.ofDelivery(delivery);
    const why = await checkCanaryOrder(needs)(delivery, request.kind, person);
    const question = questions.at(-1);
    if (why !== undefined || !question) return refuse(why ?? "There is no approval of this delivery.");
    const deployment = await ledger.ofDelivery("prod", question.model, delivery);
    const step = (deployment?.shares.length ?? 1) - 1;
    // Each step is asked about once.
    const asked = questions.find(({ canary }) => canary?.step === step);
    const isAsked = asked?.state.status === "pending";
    if (asked && (request.kind === "hold" || request.kind === "go"))
      return refuse(
        isAsked
          ? "The approvers are asked about this step already: answer their question instead."
          : "The approvers have decided about this step: it can only be aborted now.",
      );
    const look = await canaries.lastLook(delivery);
    if (request.kind === "go" && look?.rule.onInconclusive === "roll-back")
      return refuse(
        "The rule in force rolls an inconclusive canary back (onInconclusive: roll-back), so nobody can let it go on.",
      );
    const order = toOrder(request, step, clock());
    const result = await canaries.order(delivery, order, person);
    if ("refused" in result) return refuse(`${capitalize(result.refused)}.`);
    if (request.kind === "abort") {
      // No round comes while the approvers are asked, so the abort is also their answer. One that was decided meanwhile is
      // followed by a round.
      if (isAsked)
        await approvals.abort(asked.id, {
          ...{ user: person.user, name: person.name, reason: request.reason, at: clock() },
          ...pickOrigin(person),
        });
    }
    const closure = (await holds.read(delivery))?.current?.why;
    const { control } = result;
    return {
      taken: true,
      sentence: describeTaken(request, { control, deployment, isAsked, closure, now: clock() }),
    };
  };

const toOrder = (request: OrderRequest, step: number, now: number): CanaryOrder => {
  switch (request.kind) {
    case "hold":
      return { kind: "hold", until: now + request.forMs, reason: request.reason };
    case "go":
      return { kind: "go", step };
    case "end-hold":
    case "abort":
      return request;
    default:
      return request satisfies never;
  }
};

const capitalize = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);

/** When a "go" asks nobody. */
const unasked =
  "Nobody is asked if its checks pass (it then goes on at the end of its bake), or if one fails (it is rolled back).";

const describeTaken = (
  request: OrderRequest,
  {
    control: { decided, abort },
    deployment,
    isAsked,
    closure,
    now,
  }: {
    readonly control: CanaryControl;
    readonly deployment: Deployment | undefined;
    readonly isAsked: boolean;
    /** Why prod is closed; undefined: it is open. */
    readonly closure: string | undefined;
    readonly now: number;
  },
): string => {
  const soon = formatDuration(2 * computeRoundMs(now - (deployment?.shares[0]?.from ?? now)));
  const percent = deployment?.shares.at(-1)?.percent ?? 0;
  // The last round let the share before this one go on, and the traffic has not moved yet.
  const isMoving = decided?.next === "shift" && decided.step === (deployment?.shares.length ?? 0) - 1;
  switch (request.kind) {
    case "hold":
      return isMoving
        ? `The canary was just moving to its next step, and is held there for ${formatDuration(request.forMs)}.`
        : `The canary stays at ${percent} % for ${formatDuration(request.forMs)} (at most ${formatDuration(holdLimits.longestMs)} at once). A failed check still rolls it back.`;
    case "end-hold":
      return closure === undefined
        ? `The hold has ended: the canary goes on as its rule says, and is judged at the next round (within ${soon}).`
        : `The hold has ended. Prod is closed (${closure}), so the canary stays at ${percent} % until it opens.`;
    case "go":
      return closure === undefined
        ? `At the next round (within ${soon}) the approvers are asked whether the canary goes on. ${unasked}`
        : `Prod is closed (${closure}). Once it opens, the approvers are asked whether the canary goes on. ${unasked}`;
    case "abort":
      return isAsked
        ? "The canary is aborted: prod goes back to the previous version now."
        : `The canary is aborted${abort && abort.reason !== request.reason ? ` already (${abort.name})` : ""}: prod goes back to the previous version at the next round (within ${soon}).`;
    default:
      return request satisfies never;
  }
};
