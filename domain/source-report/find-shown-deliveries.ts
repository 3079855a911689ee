import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { createLedger, type Deployment } from "#domain/ledger/ledger.ts";
import type { Store } from "#platform/store/store.ts";

export type ShownDelivery = Pick<Deployment, "delivery" | "model" | "commit">;

/** Newer entries than these decide. */
const entryLimit = 200;

const isSameVersion = (one: Deployment, other: Deployment): boolean =>
  one.digest === other.digest && one.version === other.version;

/** Finds the deliveries that a model's environments show, by the ledger. */
export const findShownDeliveries = ({ store }: { readonly store: Store }) => {
  const ledger = createLedger({ store });
  const outcomes = createOutcomes({ store });

  /** The delivery of an entry on prod: a person's rollback serves what a delivery brought. */
  const findBringer = async (entry: Deployment | undefined): Promise<ShownDelivery | undefined> => {
    if (!entry || entry.reason === null) return entry;
    const entries = await ledger.entries("prod", entry.model, entryLimit);
    return entries.find((each) => each.reason === null && isSameVersion(each, entry));
  };

  /** What a delivery that was not promoted left, or that was taken back, is restored to what prod serves: decision 9. */
  const findOnStage = async (
    model: string,
    prod: ShownDelivery | undefined,
  ): Promise<ShownDelivery | undefined> => {
    const [newest] = await ledger.entries("stage", model, 1);
    if (!newest) return prod;
    const ended = await outcomes.read(newest.delivery);
    if (!ended) return newest;
    const isTakenBack = (await ledger.takenBackBy("prod", model, newest.delivery)) !== undefined;
    return ended.outcome === "promoted" && !isTakenBack ? newest : prod;
  };

  return async (
    model: string,
  ): Promise<{ readonly stage: ShownDelivery | undefined; readonly prod: ShownDelivery | undefined }> => {
    const prod = await findBringer(await ledger.serving("prod", model));
    return { stage: await findOnStage(model, prod), prod };
  };
};
