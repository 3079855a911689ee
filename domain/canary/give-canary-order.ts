import type { Approval } from "#domain/approval/approval-records.ts";
import { type Approvals, findRequestedAddress, judgeVoter } from "#domain/approval/approvals.ts";
import type { Deployment, Ledger } from "#domain/ledger/ledger.ts";
import type { Canaries } from "./canaries.ts";
import { type CanaryControl, type CanaryOrder, holdLimits } from "./canary-control.ts";
import { formatDuration } from "./format-duration.ts";
import { computeRoundMs } from "./plan-round.ts";

export type GiveCanaryOrderDependencies = {
  readonly approvals: Pick<Approvals, "ofDelivery" | "abort">;
  readonly ledger: Pick<Ledger, "ofDelivery">;
  readonly canaries: Pick<Canaries, "order" | "read" | "lastLook">;
  readonly clock: () => number;
};

export type OrderRequest =
  | { readonly kind: "hold"; readonly forMs: number; readonly reason: string }
  | { readonly kind: "go" }
  | { readonly kind: "abort"; readonly reason: string };

type Person = {
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
      ? undefined
      : "You are not an approver of this model, so you may not abort its canary: ask one.";
  // An order approves nothing, so who was in the rule's groups when the approval was requested may give it.
  const judged = judgeVoter(
    approval,
    person.user,
    address === "missing" ? address : { ...address, isMember: true },
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
 * Stores an order about a canary for its next round: hold (until an end), go (ask the approvers now whether it goes on
 * without a verdict; their decision is an approval like any other), abort. An abort while the approvers are asked ends
 * their question, and with it the delivery, at once. Anyone who may approve may give orders; contributors may only abort.
 * Giving the same order again changes nothing, so a caller may retry.
 */
export const giveCanaryOrder =
  (needs: GiveCanaryOrderDependencies) =>
  async (delivery: string, request: OrderRequest, person: Person): Promise<OrderResult> => {
    const { approvals, ledger, canaries, clock } = needs;
    const questions = await approvals.ofDelivery(delivery);
    const why = await checkCanaryOrder(needs)(delivery, request.kind, person);
    const question = questions.at(-1);
    if (why !== undefined || !question) return refuse(why ?? "There is no approval of this delivery.");
    const deployment = await ledger.ofDelivery("prod", question.model, delivery);
    const isAsked = question.canary !== null && question.state.status === "pending";
    const look = await canaries.lastLook(delivery);
    if (request.kind === "hold" && isAsked)
      return refuse("The approvers are asked about this step: answer that question instead of holding it.");
    if (request.kind === "go") {
      if (isAsked) return refuse(`The approvers are asked already: answer ${question.id}.`);
      if (look?.rule.onInconclusive === "roll-back")
        return refuse(
          "The rule in force rolls an inconclusive canary back (onInconclusive: roll-back), so nobody can let it go on.",
        );
    }
    const order = toOrder(request, (deployment?.shares.length ?? 1) - 1, clock());
    const result = await canaries.order(delivery, order, person);
    if ("refused" in result) return refuse(`${capitalize(result.refused)}.`);
    if (request.kind === "abort") {
      // No round comes while the approvers are asked, so the abort is also their answer. One that was decided meanwhile is
      // followed by a round.
      if (isAsked)
        await approvals.abort(question.id, {
          ...{ user: person.user, name: person.name, reason: request.reason, at: clock() },
        });
    }
    return { taken: true, sentence: describeTaken(request, result.control, deployment, isAsked, clock()) };
  };

const toOrder = (request: OrderRequest, step: number, now: number): CanaryOrder => {
  switch (request.kind) {
    case "hold":
      return { kind: "hold", until: now + request.forMs, reason: request.reason };
    case "go":
      return { kind: "go", step };
    case "abort":
      return request;
    default:
      return request satisfies never;
  }
};

const capitalize = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);

const describeTaken = (
  request: OrderRequest,
  { decided, abort }: CanaryControl,
  deployment: Deployment | undefined,
  isAsked: boolean,
  now: number,
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
    case "go":
      return `At the next round (within ${soon}) the approvers are asked whether the canary goes on, unless it passes or fails by then.`;
    case "abort":
      return isAsked
        ? "The canary is aborted: prod goes back to the previous version now."
        : `The canary is aborted${abort && abort.reason !== request.reason ? ` already (${abort.name})` : ""}: prod goes back to the previous version at the next round (within ${soon}).`;
    default:
      return request satisfies never;
  }
};
