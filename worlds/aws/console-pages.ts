import { S3Client } from "@aws-sdk/client-s3";
import { readAuditTrail } from "#console/audit/read-audit-trail.ts";
import { createConsole } from "#console/create-console.ts";
import { createTrailVerifier } from "#domain/audit/trail-verifier.ts";
import { createOverview } from "#domain/overview/create-overview.ts";
import { createS3AnchorListing } from "#platform/anchors/s3-anchor-listing.ts";
import type { Store } from "#platform/store/store.ts";
import { createDeliveries } from "./deliveries.ts";
import type { GroupVariables } from "./environment/variable-groups.ts";
import { createProdMetrics } from "./prod-metrics.ts";

type Needs = {
  readonly env: GroupVariables<"deliveries"> &
    GroupVariables<"audit"> &
    GroupVariables<"prodRole"> &
    GroupVariables<"slack"> & { readonly SLACK_TEAM_ID: string };
  readonly store: Store;
  readonly clock: () => number;
  /** The caller whose role in prod's account reads the metrics. */
  readonly caller: string;
  /** Where a form ends the session. */
  readonly signOut: string;
};

/** CloudWatch shows new values after a minute, and costs by the question. */
const keepMetricsMs = 60_000;

/** The console's pages from the table, the state machine, prod's metrics and the names of the audit trails' anchors. */
export const createConsolePages = ({ env, store, clock, caller, signOut }: Needs) => {
  const needs = { env, clock };
  const deliveries = createDeliveries(needs);
  const metrics = createProdMetrics(needs)(caller);
  const anchors = createS3AnchorListing({ client: new S3Client({}), bucket: env.AUDIT_BUCKET });
  // The registry is behind a network or another role: its tags are left to the command.
  const trails = createTrailVerifier({ store, clock, anchors });
  const channel = `https://app.slack.com/client/${env.SLACK_TEAM_ID}/${env.SLACK_CHANNEL}`;
  return createConsole({
    source: {
      ...createOverview({ store, deliveries, metrics, clock, keepMetricsMs }),
      readAudit: readAuditTrail(trails, "not compared"),
    },
    now: clock,
    links: {
      base: "",
      channel: { label: "Slack", href: channel },
      // Open questions are the newest messages there.
      message: () => channel,
      command: (command) => `${command} --world aws`,
      signOut,
    },
  });
};
