import { expect, test } from "vitest";
import type { Context } from "../context.ts";
import type { AuditTrail } from "./audit-trail.ts";
import { renderAudit } from "./render-audit.ts";

const context: Context = {
  ...{ now: Date.UTC(2026, 10, 21), hasAudit: true },
  links: { base: "", command: (command) => `${command} --world aws` },
};
const list = (count: number): AuditTrail["entries"] =>
  Array.from({ length: count }, (_, index) => ({
    ...{ sequence: count - index, at: Date.UTC(2026, 10, 20), kind: "vote", who: "Ada Byron" },
    ...{ what: "approved (v2, churn-0123456789ab-01234567)", hash: "a".repeat(64) },
  }));
const where = "s3://slipway-audit-1/audit/churn/0000000003.json";
const render = async (trail: Partial<AuditTrail> = {}) => {
  const verification = { status: "verified", anchor: { sequence: 3, where }, unanchored: 0 } as const;
  const page = renderAudit({ model: "churn", trail: { entries: list(3), verification, ...trail } }, context);
  return String(await page.body);
};

test("the page says up to where the chain is anchored, and what is not", async () => {
  expect(await render()).toContain(`Anchored up to entry 3 in ${where}.</p>`);
  const anchor = { sequence: 1, where };
  expect(await render({ verification: { status: "verified", anchor, unanchored: 2 } })).toContain(
    "The newest 2 entries are not anchored yet",
  );
  expect(await render({ verification: { status: "verified", anchor: null, unanchored: 3 } })).toContain(
    "No entry is anchored outside the store yet.",
  );
});

test("where the registry's tags are not compared, the page says so with the command that does", async () => {
  expect(await render()).not.toContain("not compared");
  const page = await render({ tags: "not compared" });
  expect(page).toContain("tags are not compared here");
  expect(page).toContain("slipway audit churn --world aws");
});

test("a broken chain marks the entry that does not hold, and says the next step", async () => {
  const page = await render({
    verification: { status: "broken", problem: "Entry 2 was changed.", sequences: [2] },
  });
  const rows = page.split('<li class="row">').filter((row) => row.includes("does not hold"));
  expect(rows.map((row) => /#(\d+)/.exec(row)?.[1])).toEqual(["2"]);
  expect(page).toContain("keep a copy of it before anything else");
  expect(page).toContain("slipway audit churn --version &lt;n&gt; --out churn.md --world aws");
});
