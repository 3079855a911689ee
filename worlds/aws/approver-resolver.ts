import { createGroupReader } from "#domain/approval/group-reader.ts";
import { createPushLog } from "#domain/approval/push-log.ts";
import { type ResolveApprovers, resolveApprovers } from "#domain/approval/resolve-approvers.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import type { PlatformPolicy } from "#domain/policy/platform-policy.ts";
import type { Secrets } from "#platform/secrets/secrets.ts";
import type { Source } from "#platform/source/source.ts";
import type { Store } from "#platform/store/store.ts";
import { createCommitHistory } from "./commit-history.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";
import { warn } from "./log-warning.ts";
import { createSlack } from "./slack.ts";

type Needs = {
  readonly env: GroupVariables<"slack"> & GroupVariables<"source">;
  readonly source: Pick<Source, "models">;
  readonly store: Store;
  readonly policy: Pick<PlatformPolicy, "read">;
  readonly secrets: Secrets;
  readonly clock: () => number;
};

/** Who made a change and how many approvals it needs, from the repository's history, the platform's map and Slack. */
export const createApproverResolver = ({
  env,
  source,
  store,
  policy,
  secrets,
  clock,
}: Needs): ResolveApprovers => {
  const slack = createSlack({ env, secrets, clock });
  return resolveApprovers({
    source: { ...createCommitHistory(env, secrets), models: source.models },
    ledger: createLedger({ store }),
    pushes: createPushLog({ store, clock }),
    policy,
    slack,
    readGroups: createGroupReader({ slack, clock }),
    warn,
    addresses: "organisation",
  });
};
