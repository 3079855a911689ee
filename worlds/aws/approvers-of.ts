import { type ApproversFor, approversFor } from "#domain/approval/approvers-for.ts";
import { pushes } from "#domain/approval/pushes.ts";
import { ledger } from "#domain/ledger/ledger.ts";
import type { PlatformPolicy } from "#domain/policy/platform-policy.ts";
import type { Secrets } from "#platform/secrets/secrets.ts";
import type { Source } from "#platform/source/source.ts";
import type { Store } from "#platform/store/store.ts";
import { slackClient } from "#slack/slack-client.ts";
import type { Variables } from "./environment/environment-parts.ts";
import { historyOf } from "./history-of.ts";
import { warn } from "./warn.ts";

type Needs = {
  readonly env: Variables<"slack"> & Variables<"source">;
  readonly source: Pick<Source, "models">;
  readonly store: Store;
  readonly policy: Pick<PlatformPolicy, "read">;
  readonly secrets: Secrets;
  readonly clock: () => number;
};

/** Who made a change and how many approvals it needs, by the repository's history, the platform's map and Slack. */
export const approversOf = ({ env, source, store, policy, secrets, clock }: Needs): ApproversFor =>
  approversFor({
    source: { ...historyOf(env, secrets), models: source.models },
    ledger: ledger({ store }),
    pushes: pushes({ store, clock }),
    policy,
    slack: slackClient({ secrets, apiUrl: env.SLACK_API_URL }),
    warn,
    addresses: "organisation",
  });
