import * as z from "zod";
import type { Claims } from "#domain/claims/claims.ts";
import { createEvent } from "#domain/events/create-event.ts";
import { toOutboxItems } from "#domain/events/to-outbox-items.ts";
import type { Ledger } from "#domain/ledger/ledger.ts";
import type { Environment, LiveAlias, Serving } from "#platform/serving/serving.ts";
import type { Store } from "#platform/store/store.ts";

export type FindConfigurationDriftDependencies = {
  readonly store: Store;
  readonly serving: Readonly<Record<Environment, Pick<Serving, "live">>>;
  readonly ledger: Ledger;
  readonly claims: Pick<Claims, "read">;
  readonly clock: () => number;
};

const Sighting = z.object({
  expected: z.string().nullable(),
  found: z.string(),
  /** The alias's revision; null: there is no alias. */
  revision: z.string().nullable(),
  /** When it was first seen, epoch milliseconds. */
  since: z.int(),
  published: z.boolean(),
});
type Sighting = z.infer<typeof Sighting>;

/**
 * An alias must be wrong for so long: a delivery or a rollback may have begun or ended between the reads, and AWS itself
 * gives an alias other weights while it replaces a version (https://github.com/hashicorp/terraform-provider-aws/issues/48116).
 */
const shortestDriftMs = 60_000;

const describeAlias = (live: LiveAlias | undefined): string => {
  if (!live) return "no alias live";
  if (!live.canary) return `function version ${live.version}`;
  return `function version ${live.version}, and version ${live.canary.version} with ${Math.round(live.canary.weight * 1_000) / 10} % of the traffic`;
};

/** The function version that the ledger expects; undefined: the ledger does not say. */
const readExpected = async (
  ledger: Ledger,
  environment: Environment,
  model: string,
): Promise<string | null | undefined> => {
  const serving = await ledger.serving("prod", model);
  if (!serving) return null;
  if (environment === "prod") return serving.functionVersion;
  return (await ledger.ofImage("stage", model, serving.digest, serving.version))?.functionVersion;
};

/**
 * Compares the alias `live` of a model with the ledger while nobody holds the environment's claim: a difference was made
 * by hand, or by something that is not Slipway. A difference that stays is published once. Nothing is repaired here: the
 * next delivery and a rollback put the alias right.
 * Returns whether the alias differs.
 */
export const findConfigurationDrift =
  ({ store, serving, ledger, claims, clock }: FindConfigurationDriftDependencies) =>
  async (environment: Environment, model: string): Promise<boolean> => {
    const key = { partition: "drift", sort: `${environment}#${model}` };
    const [item, claim] = [await store.get(key), await claims.read(environment, model)];
    const before = item && Sighting.parse(item.value);
    const live = await serving[environment].live(model);
    const expected = await readExpected(ledger, environment, model);
    const agrees =
      claim?.holder != null ||
      expected === undefined ||
      ((live?.version ?? null) === expected && !live?.canary);
    if (agrees) {
      if (item) await store.remove(key, { expect: item.version });
      return false;
    }
    const now = clock();
    const seen: Sighting = {
      expected,
      found: describeAlias(live),
      revision: live?.revision ?? null,
      since: now,
      published: false,
    };
    const isSame =
      before !== undefined && before.expected === seen.expected && before.revision === seen.revision;
    if (isSame && (before.published || now - before.since < shortestDriftMs)) return true;
    const drift: Sighting = isSame ? { ...before, published: true } : seen;
    const event = createEvent([environment, model, drift.since], drift.since, {
      type: "configuration-drift",
      model,
      environment,
      expected: drift.expected,
      found: drift.found,
    });
    // After a lost race the other sweep has written the same, or the next one does.
    await store.put(key, drift, {
      expect: item?.version ?? "absent",
      ...(drift.published ? toOutboxItems(event) : {}),
    });
    return true;
  };
