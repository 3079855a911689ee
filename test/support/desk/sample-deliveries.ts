/** An approval and two deliveries with realistic data, for screenshots and tests. */
import type { Execution, StateEvent } from "#platform/deliveries/deliveries.ts";

const commit = "9f3c1e7a5b2d4860c1f0e9d8b7a69584736251ab";
const digest = `sha256:${"4be1c9d27f30".repeat(6).slice(0, 64)}`;
const sampleDelivery = "churn-9f3c1e7a5b2d";

export const buildApprovalBlocks = (desk: string) => [
  { type: "header", text: { type: "plain_text", text: "Deliver churn version 2 to prod?", emoji: true } },
  {
    type: "section",
    fields: [
      { type: "mrkdwn", text: "*Model*\nchurn, version 2" },
      { type: "mrkdwn", text: "*Prod serves*\nversion 1, since Nov 20" },
      { type: "mrkdwn", text: "*Commit*\n`9f3c1e7a5b2d` Tune on cross-validation" },
      { type: "mrkdwn", text: "*Author*\n<@U0AUTHOR>" },
    ],
  },
  { type: "divider" },
  {
    type: "section",
    text: {
      type: "mrkdwn",
      text: [
        "*What was measured on stage*",
        ":white_check_mark: *smoke* — answers, and names its version",
        ":white_check_mark: *golden vectors* — 32 of 32 within 1e-5",
        ":white_check_mark: *accuracy* — 0.8041, at least 0.75 (1,409 rows)",
        ":grey_question: *accuracy against prod* — +0.0057, 95 % interval −0.0061 to +0.0175, margin −0.02",
        ":white_check_mark: *auc* — 0.8466, at least 0.80",
        ":white_check_mark: *latency p95* — 1.9 ms, at most 50 ms",
        ":white_check_mark: *image size* — 61.4 MB, at most 500 MB",
        ":white_check_mark: *vulnerabilities* — 0 critical, 0 high",
      ].join("\n"),
    },
  },
  {
    type: "context",
    elements: [
      { type: "mrkdwn", text: "Image `sha256:4be1c9d27f30`" },
      { type: "mrkdwn", text: "One approval of <@U024BE7LH> needed, within 24 h" },
    ],
  },
  {
    type: "actions",
    block_id: "decision",
    elements: [
      {
        type: "button",
        action_id: "approve",
        style: "primary",
        text: { type: "plain_text", text: "Approve" },
        value: "appr-7c1d",
      },
      {
        type: "button",
        action_id: "reject",
        style: "danger",
        text: { type: "plain_text", text: "Reject" },
        value: "appr-7c1d",
      },
      {
        type: "button",
        action_id: "open-delivery",
        text: { type: "plain_text", text: "Open delivery" },
        url: `${desk}/deliveries/${sampleDelivery}`,
      },
    ],
  },
];

export const approvedBlocks = [
  { type: "header", text: { type: "plain_text", text: "churn v2 is being rolled out to prod" } },
  {
    type: "section",
    text: {
      type: "mrkdwn",
      text: ":white_check_mark: Approved by <@U024BE7LH>. 10 % of prod's traffic goes to it.",
    },
  },
];

export const rejectDialog = {
  type: "modal",
  callback_id: "reject-reason",
  private_metadata: "appr-7c1d",
  title: { type: "plain_text", text: "Reject churn 2" },
  submit: { type: "plain_text", text: "Reject" },
  close: { type: "plain_text", text: "Cancel" },
  blocks: [
    {
      type: "input",
      block_id: "reason",
      label: { type: "plain_text", text: "Why does it not go to prod?" },
      hint: { type: "plain_text", text: "The author reads this in the channel." },
      element: { type: "plain_text_input", action_id: "reason", multiline: true, max_length: 500 },
    },
  ],
};

const start = Date.parse("2026-11-21T13:04:07.000Z");
const at = (ms: number) => new Date(start + ms).toISOString();
const input = {
  delivery: sampleDelivery,
  model: "churn",
  commit,
  runtime: digest,
  author: { name: "Sam Carter", email: "sam@example.com" },
  requestedAt: start,
};
const check = (
  name: string,
  verdict: "pass" | "fail" | "inconclusive",
  measured: number | null,
  limit: number | null,
  unit: string,
  detail: string,
) => ({ name, verdict, measured, limit, unit, detail });
const scan = {
  status: "complete",
  firstLookAt: start,
  verdict: "pass",
  checks: [
    check("vulnerabilities.critical", "pass", 0, 0, "findings", "214 packages, advisories of 2026-11-20"),
    check("vulnerabilities.high", "pass", 0, 5, "findings", "214 packages, advisories of 2026-11-20"),
  ],
};
const verifyOutput = {
  verdict: "fail",
  error: { name: "GateFailed", cause: "accuracy 0.7331 is below 0.75" },
  approvalTimeoutSeconds: 86_400,
  checks: [
    check("smoke", "pass", 1, 1, "answers", "Answered in 3 ms and named its version."),
    check("golden vectors", "pass", 32, 32, "vectors", "Every output within 1e-5 of training."),
    check("accuracy", "fail", 0.7331, 0.75, "share", "1,033 of 1,409 holdout rows."),
    check(
      "accuracy against champion",
      "fail",
      -0.0653,
      -0.02,
      "difference",
      "95 % interval −0.0811 to −0.0495 lies below the margin.",
    ),
    check("auc", "inconclusive", 0.8012, 0.8, "share", "95 % interval 0.7789 to 0.8235 spans the limit."),
    check("latency p95", "pass", 1.9, 50, "ms", "1,000 requests, one row each."),
    check("image size", "pass", 61.4, 500, "MB", "Compressed layers."),
  ],
};
const stateDurations: readonly [string, number, Record<string, unknown>?][] = [
  ["ClaimStage", 9, { ClaimStage: { status: "granted", fence: 4, firstAskedAt: start } }],
  ["BuildImage", 1_380],
  ["ScanImage", 412, { ScanImage: scan }],
  ["RegisterModel", 37, { RegisterModel: { status: "registered", version: 3, digest } }],
  ["DeployStage", 486],
  ["VerifyStage", 1_912, { VerifyStage: verifyOutput }],
  [
    "RollBack",
    240,
    {
      RollBack: {
        error: {
          name: "GateFailed",
          cause: "accuracy 0.7331 is below 0.75; accuracy against champion −0.0653 is below −0.02",
        },
        restored: [],
      },
    },
  ],
  ["ReportOutcome", 22, { ReportOutcome: { outcome: "failed", reportedAt: at(4_600) } }],
];
export const failedHistory: readonly StateEvent[] = (() => {
  let now = 0;
  let data: Record<string, unknown> = { ...input };
  return stateDurations.flatMap(([state, ms, output]) => {
    const entered = { state, status: "entered" as const, at: at(now), ms: 0 };
    now += ms;
    data = { ...data, ...output };
    return [
      entered,
      { state, status: "succeeded" as const, at: at(now), ms, output: JSON.parse(JSON.stringify(data)) },
    ];
  });
})();

export const failedDelivery: Execution = {
  name: sampleDelivery,
  status: "FAILED",
  input,
  error: {
    name: "GateFailed",
    cause: "accuracy 0.7331 is below 0.75; accuracy against champion −0.0653 is below −0.02",
  },
  startedAt: at(0),
  endedAt: at(4_520),
};
