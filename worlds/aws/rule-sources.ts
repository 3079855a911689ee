import { createLedger } from "#domain/ledger/ledger.ts";
import { createPlatformPolicy } from "#domain/policy/platform-policy.ts";
import type { Secrets } from "#platform/secrets/secrets.ts";
import type { Store } from "#platform/store/store.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";
import { createSource } from "./source.ts";

type Needs = {
  readonly env: GroupVariables<"source">;
  readonly store: Store;
  readonly secrets: Secrets;
};

/** What the rules in force come from: what is committed, the platform's policy, and what the ledger says of the champion. */
export const createRuleSources = ({ env, store, secrets }: Needs) => ({
  source: createSource({ env, secrets }),
  policy: createPlatformPolicy({ store }),
  ledger: createLedger({ store }),
});
