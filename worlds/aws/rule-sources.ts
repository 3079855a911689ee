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

/** The sources of the rules in force: the commit, the platform's policy and the champion in the ledger. */
export const createRuleSources = ({ env, store, secrets }: Needs) => ({
  source: createSource({ env, secrets }),
  policy: createPlatformPolicy({ store }),
  ledger: createLedger({ store }),
});
