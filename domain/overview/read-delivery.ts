import { createCanaries } from "#domain/canary/canaries.ts";
import { measureHeldTime } from "#domain/canary/measure-held-time.ts";
import { createHolds } from "#domain/changes/holds.ts";
import { readPresentClosure } from "#domain/changes/read-present-closure.ts";
import { createDeliveryIndex } from "#domain/delivery/delivery-index.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import { readMessageFacts } from "#domain/message/read-message-facts.ts";
import type { Deliveries } from "#platform/deliveries/deliveries.ts";
import type { Store } from "#platform/store/store.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";
import { isJsonObject } from "#untrusted/is-json-object.ts";
import type { DeliveryRecord } from "./delivery-record.ts";
import { toShownApproval } from "./shown-approval.ts";

type DeliveryNeeds = {
  readonly store: Store;
  readonly deliveries: Pick<Deliveries, "describe" | "history">;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  readonly bakeSeconds: number | null;
};

/** The model that a delivery brings; undefined: nothing knows this delivery. */
export const findModelOfDelivery =
  ({ store, deliveries }: Pick<DeliveryNeeds, "store" | "deliveries">) =>
  async (delivery: string): Promise<string | undefined> => {
    const start = await createDeliveryIndex({ store }).start(delivery);
    if (start) return start.model;
    // It ended, or began, under a release that did not list deliveries.
    const ended = await createOutcomes({ store }).read(delivery);
    if (ended) return ended.model;
    const input = (await deliveries.describe(delivery))?.input;
    const model = isJsonObject(input) ? getOwnProperty(input, "model") : undefined;
    return typeof model === "string" ? model : undefined;
  };

const findCanaryEnd =
  ({ store, clock }: Pick<DeliveryNeeds, "store" | "clock">) =>
  async (delivery: string, startedAt: number | undefined): Promise<DeliveryRecord["canaryEnd"]> => {
    const canaries = createCanaries({ store, clock });
    const rule = (await canaries.lastLook(delivery))?.rule;
    if (!rule || startedAt === undefined) return undefined;
    const [control, hold] = [await canaries.read(delivery), await createHolds({ store }).read(delivery)];
    const held = measureHeldTime({ control, hold }, { startedAt, now: clock() });
    return { at: startedAt + rule.atMostSeconds * 1_000 + held, onInconclusive: rule.onInconclusive };
  };

/** Everything that is stored about a delivery of a model; undefined: the model has no such delivery. */
export const readDelivery =
  (needs: DeliveryNeeds) =>
  async (model: string, delivery: string): Promise<DeliveryRecord | undefined> => {
    const { store, deliveries, clock, bakeSeconds } = needs;
    if ((await findModelOfDelivery(needs)(delivery)) !== model) return undefined;
    const [execution, facts, stage] = await Promise.all([
      deliveries.describe(delivery),
      readMessageFacts({ store, clock })(delivery),
      createLedger({ store }).ofDelivery("stage", model, delivery),
    ]);
    const isOver = facts.ended !== undefined || (execution !== undefined && execution.status !== "RUNNING");
    const closed = isOver ? undefined : await readPresentClosure({ store, clock })({ delivery, model });
    const canaryEnd =
      !isOver && facts.deployment?.status === "canary"
        ? await findCanaryEnd(needs)(delivery, facts.deployment.shares[0]?.from)
        : undefined;
    return {
      delivery,
      model,
      execution: execution ?? null,
      history: execution ? await deliveries.history(delivery) : [],
      questions: facts.questions.map(toShownApproval),
      stage: stage ?? null,
      prod: facts.deployment ?? null,
      serving: facts.serving ?? null,
      outcome: facts.ended ?? null,
      rolledBack: facts.rolledBack ?? null,
      hold: facts.hold ?? null,
      closed: closed ?? null,
      control: facts.control ?? null,
      bakeSeconds,
      ...(canaryEnd && { canaryEnd }),
    };
  };
