import { expect, test } from "vitest";
import { createConsoleWorld, openConsole } from "#test/support/console/console-world.ts";
import { createNewApproval } from "#test/support/record-approval.ts";
import { toyModel } from "#test/support/toy-model.ts";

test("the pages of a delivery and of its approval say who rejected the commit before, when and why", async () => {
  const opened = await createConsoleWorld();
  const { world } = opened;
  const delivery = "delivery-again";
  const question = createNewApproval(world, { delivery, letter: "d", version: 5 });
  const read = async (path: string) =>
    (await openConsole(opened)({ path, query: new URLSearchParams() })).body;
  const pages = ["", "/approval"].map((page) => `/models/${toyModel}/deliveries/${delivery}${page}`);
  const rejectedBefore = {
    ...{ delivery: "delivery-x", by: [{ user: "U9", name: "Kim" }], at: world.time.now - 3 * 86_400_000 },
    ...{ reason: "recall <fell>", canaryPercent: null },
  };
  const evidence = { ...question.evidence, rejectedBefore };
  const { engine, approvals } = world;
  engine.waiting.add("token");
  engine.executions.set(delivery, {
    ...{ name: delivery, status: "RUNNING", input: { model: toyModel } },
    startedAt: new Date(world.time.now).toISOString(),
  });
  await approvals.ask({ ...question, evidence }, "token");
  for (const page of pages) {
    const body = await read(page);
    expect(body, page).toMatch(
      /<b>Rejected before by Kim<\/b> <time datetime="2026-11-18T[^>]*>3 d[^<]* ago<\/time>: <q>recall &lt;fell&gt;<\/q>/,
    );
    expect(body, page).toContain(`/models/${toyModel}/deliveries/delivery-x/approval`);
  }
  world.close();
});
