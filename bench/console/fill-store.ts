import { createApprovals } from "#domain/approval/approvals.ts";
import type { AuditFact } from "#domain/audit/audit-entry.ts";
import { createAuditTrail } from "#domain/audit/audit-trail.ts";
import { createCanaries } from "#domain/canary/canaries.ts";
import { createClaims } from "#domain/claims/claims.ts";
import { createOutcomes } from "#domain/delivery/outcomes.ts";
import { createLedger } from "#domain/ledger/ledger.ts";
import type { createSqliteMetrics } from "#platform/metrics/sqlite.ts";
import type { Store } from "#platform/store/store.ts";
import { fakeDeliveries } from "#test/support/fake-deliveries.ts";
import { plainCipher } from "#test/support/plain-cipher.ts";
import { sampleCanary } from "#test/support/sample-canary.ts";

const minute = 60_000;
const approver = { user: "U024BE7LH", name: "Ada Byron" };
const hex = (seed: number, length: number) => seed.toString(16).padStart(8, "0").repeat(8).slice(0, length);
const names = [
  "accuracy",
  "AUC",
  "latency p95",
  "cost per million",
  "cold start",
  "image size",
  "breaking changes",
];
const createEvidence = (index: number) => ({
  ...{ champion: "version 1", championVersion: 1, changed: [], renewed: ["golden.json changed"] },
  ...{
    owner: "data-science@example.com",
    subject: `a change, number ${index}`,
    rollout: { steps: [10, 50], bake: "PT30M" },
  },
  checks: names.map((name) => ({
    ...{ name, verdict: "pass" as const, measured: 0.8, limit: 0.75, unit: "share" },
    detail: `${name} 0.8 (required ≥ 0.75; 95 % interval 0.78 to 0.82; 1,409 rows)`,
  })),
  omitted: [{ name: "vulnerabilities", why: "no advisories", remedy: "Load them with npm run advisories" }],
  comparisons: names.map((name, column) => ({
    ...{
      name,
      unit: column > 1 ? "ms" : "",
      champion: 0.8,
      challenger: 0.8 + (index % 7) / 100,
      limit: "≥ 0.75",
    },
    ...{ interval: { low: -0.01, high: 0.02 }, verdict: "pass" as const },
  })),
});
const isFailed = (index: number) => index % 9 === 8;

/** One delivery, as its steps know it. */
type Delivered = {
  readonly index: number;
  readonly model: string;
  readonly delivery: string;
  readonly commit: string;
  readonly digest: string;
  readonly version: number;
  /** Sequence of what prod served before. */
  readonly previous: number;
};

/** What the audit trail records of a promoted delivery. */
const listAuditFacts = (
  { delivery, version, commit, digest, previous, index }: Delivered,
  now: number,
): readonly AuditFact[] => {
  const at = new Date(now).toISOString();
  const shared = { delivery, version, at };
  const approval = `${delivery}-approval`;
  const entry = { version, digest, ledgerEntry: previous + 1 };
  return [
    {
      ...{ ...shared, fact: `question ${approval}`, kind: "question-opened" },
      detail: {
        ...{ approval, canary: null, commit, digest, baseline: previous, fence: index + 1 },
        ...{ author: { name: "Sam Carter", email: "sam@example.com" }, pusher: null, contributors: null },
        ...{ approvers: [approver.user], leftOut: [], quorum: 1, authorMayApprove: true },
        ...{ expiresAt: at, evidence: hex(index, 64), policy: null },
      },
    },
    {
      ...shared,
      fact: `vote ${approval}`,
      kind: "vote",
      detail: { ...approver, approval, verdict: "approved" },
    },
    {
      ...{ ...shared, fact: `decision ${approval}`, kind: "decision" },
      detail: {
        ...{ approval, canary: null, verdict: "approved", by: [{ ...approver, at }], reason: null },
        ...{ quorum: 1, digest, policy: null },
      },
    },
    { ...shared, fact: `deployed ${delivery}`, kind: "deployed", detail: { ...entry, percent: 10 } },
    {
      ...{ ...shared, fact: `promoted ${delivery}`, kind: "promoted" },
      detail: { ...entry, approvedBy: [approver.user] },
    },
  ];
};

/**
 * Deliveries of all models in turns, as their steps store them: one in nine failed, the last of each fifth model waits for
 * its approvers, and one canary is under way.
 * @param clock of the store, whose time `setTime` sets
 */
export const fillStore = async ({
  store,
  metrics,
  clock,
  setTime,
  modelCount,
  deliveryCount,
}: {
  readonly store: Store;
  readonly metrics: ReturnType<typeof createSqliteMetrics>;
  readonly clock: () => number;
  readonly setTime: (now: number) => void;
  readonly modelCount: number;
  readonly deliveryCount: number;
}) => {
  const engine = fakeDeliveries();
  const claims = createClaims({ store });
  const ledger = createLedger({ store });
  const outcomes = createOutcomes({ store });
  const canaries = createCanaries({ store, clock });
  const trail = createAuditTrail({ store, clock });
  const approvals = createApprovals({ store, cipher: plainCipher, deliveries: engine.deliveries });
  const rule = { approvers: [approver.user], quorum: 1, authorMayApprove: true, timeout: "PT24H" };

  const ask = (delivered: Delivered, now: number) => {
    const { index, model, delivery, commit, digest, version, previous } = delivered;
    return approvals.ask(
      {
        ...{ model, delivery, commit, digest, version, baseline: previous, fence: index + 1 },
        ...{ pusher: null, contributors: null, rule, evidence: createEvidence(index) },
        ...{ author: { name: "Sam Carter", email: "sam@example.com" }, askedAt: now },
        expiresAt: now + 86_400_000,
      },
      `token-${index}`,
    );
  };
  const beginOn = (environment: "stage" | "prod", delivered: Delivered, now: number) => {
    const { index, previous, ...entry } = delivered;
    const place = { environment, previous, fence: index + 1, functionVersion: String(entry.version) };
    return ledger.begin({ ...entry, ...place, reason: null }, now);
  };
  const startCanary = async (delivered: Delivered, now: number) => {
    const { looks, steps } = await sampleCanary(now - 45 * minute, 45);
    for (const look of looks) await canaries.addLook(delivered.delivery, look);
    const shares = steps.flatMap(({ percent, from }) => (from === null ? [] : [{ percent, from }]));
    const onProd = await beginOn("prod", delivered, now);
    await ledger.change(onProd, (current) => ({ ...current, status: "canary", shares }));
  };
  const promote = async (delivered: Delivered, now: number) => {
    const { index, model } = delivered;
    const onProd = await beginOn("prod", delivered, now);
    const { checks } = createEvidence(index);
    const shares = [10, 50, 100].map((percent) => ({ percent, from: now }));
    await ledger.change(onProd, (current) => ({
      ...current,
      ...{ status: "promoted", promotedAt: now, shares, checks },
    }));
    for (const fact of listAuditFacts(delivered, now)) await trail.append(model, fact);
  };
  const addRequests = (model: string, version: number, now: number) => {
    for (let request = 0; request < 20; request++)
      metrics.request({
        ...{ environment: "prod", model, version: String(version), at: now - request },
        ...{ latencyMs: 5 + request, failed: false, labels: new Map([["stay", 1]]) },
      });
  };

  let withCanary: Delivered | undefined;
  let waiting: Delivered | undefined;
  for (let index = 0; index < deliveryCount; index++) {
    const now = clock() + minute;
    setTime(now);
    const model = `model-${String(index % modelCount).padStart(2, "0")}`;
    const commit = hex(index + 1, 40);
    const delivered: Delivered = {
      ...{ index, model, commit, digest: `sha256:${hex(index + 1, 64)}` },
      ...{ delivery: `${model}-${commit.slice(0, 12)}-${hex(index, 8)}` },
      ...{ version: Math.floor(index / modelCount) + 1 },
      previous: (await ledger.serving("prod", model))?.sequence ?? 0,
    };
    const { delivery, version } = delivered;
    const isLast = index + modelCount >= deliveryCount;
    const waits = isLast && index % 5 === 0 && !isFailed(index);
    const bakes = isLast && !waits && !isFailed(index) && withCanary === undefined;
    await claims.take({ environment: "stage", model, delivery, commit, requestedAt: now, now }, "newer");
    await beginOn("stage", delivered, now);
    engine.executions.set(delivery, {
      ...{ name: delivery, status: waits || bakes ? "RUNNING" : "SUCCEEDED", input: { model } },
      ...{ startedAt: new Date(now).toISOString(), endedAt: new Date(now + 50_000).toISOString() },
    });
    if (!isFailed(index)) {
      const { id } = await ask(delivered, now);
      if (waits) {
        waiting = delivered;
        continue;
      }
      const person = { ...approver, email: "ada@example.com" };
      await approvals.vote(id, { ...person, verdict: "approved", reason: null, at: now });
      if (bakes) {
        withCanary = delivered;
        await startCanary(delivered, now);
        continue;
      }
      await promote(delivered, now);
    }
    const error = isFailed(index) ? { name: "GateFailed", cause: "accuracy 0.7331 is below 0.75" } : null;
    const outcome = error ? ("failed" as const) : ("promoted" as const);
    await outcomes.keep({ model, delivery, commit, outcome, error, at: now + 50_000 });
    await claims.release("stage", model, delivery);
    addRequests(model, version, now);
  }
  return { engine, trail, withCanary, waiting };
};
