import { expect, test } from "vitest";
import type { AuditTrail } from "./audit-trail.ts";
import { watchTrails } from "./watch-trails.ts";

const verified: AuditTrail["verification"] = { status: "verified", anchor: null };
const broken: AuditTrail["verification"] = {
  status: "broken",
  problem: "Entry 2 is missing.",
  sequences: [2],
};

test("a broken trail is found, and one that cannot be read is no reason to show nothing", async () => {
  const watch = watchTrails({
    now: () => 0,
    readAudit: async (model) => {
      if (model === "lost") throw new Error("no bucket");
      return { verification: model === "bad" ? broken : verified };
    },
  });
  expect(await watch(["good", "bad", "lost"])).toEqual([
    { model: "bad", problem: "broken" },
    { model: "lost", problem: "unreadable" },
  ]);
});

test("a call verifies five trails at most, later ones the others, and each again after ten minutes", async () => {
  let time = 0;
  let read: string[] = [];
  const models = Array.from({ length: 12 }, (_, index) => `model-${index}`);
  const watch = watchTrails({
    now: () => time,
    readAudit: async (model) => {
      read.push(model);
      return { verification: model === "model-11" ? broken : verified };
    },
  });
  expect(await watch(models)).toEqual([]);
  await watch(models);
  expect(await watch(models)).toEqual([{ model: "model-11", problem: "broken" }]);
  expect(read).toEqual(models);
  read = [];
  time += 599_999;
  // What is known stays known.
  expect(await watch(models)).toEqual([{ model: "model-11", problem: "broken" }]);
  expect(read).toEqual([]);
  time += 1;
  await watch(models);
  expect(read).toEqual(models.slice(0, 5));
});
