import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AuditTrail } from "#console/audit/audit-trail.ts";
import { type Browser, requireBrowser } from "#test/support/browser.ts";
import {
  type ConsoleWorld,
  createConsoleWorld,
  failedDeliveryName,
  openDelivery,
  startConsole,
} from "#test/support/console/console-world.ts";
import { findViolations } from "#test/support/find-violations.ts";
import { pressTabUntil } from "#test/support/press-tab-until.ts";
import { sampleCanary } from "#test/support/sample-canary.ts";
import { fakeCommit, fakeDigest } from "#test/support/toy-model.ts";

const { skip, launch } = requireBrowser();

const trail: AuditTrail = {
  entries: [2, 1].map((sequence) => ({
    ...{ sequence, at: Date.parse("2026-11-21T13:00:00Z"), kind: "decided", who: "Ada Byron" },
    ...{ what: `Approved v${sequence}`, hash: `${sequence}`.repeat(64) },
  })),
  verification: {
    status: "broken",
    problem: `Entry 1 is not the one that was anchored: s3://slipway-audit-1/audit/toy/0000000001-${"a".repeat(64)}.json has another.`,
    sequences: [1],
  },
  tags: "not compared",
};

const pages = [
  ["home", "/console/"],
  ["deliveries", "/console/deliveries?outcome=failed"],
  ["model", "/console/models/toy"],
  ["delivery under way", `/console/models/toy/deliveries/${openDelivery}`],
  ["delivery that failed", `/console/models/toy/deliveries/${failedDeliveryName}`],
  ["approval", `/console/models/toy/deliveries/${openDelivery}/approval`],
  ["canary", `/console/models/toy/deliveries/${openDelivery}/canary`],
  ["audit", "/console/models/toy/audit"],
  ["unknown page", "/console/models/nobody"],
] as const;

/** Pixels by which the page is wider than its window. */
const measureOverflow = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const { document, innerWidth } = globalThis as unknown as {
      document: { documentElement: { scrollWidth: number } };
      innerWidth: number;
    };
    return document.documentElement.scrollWidth - innerWidth;
  });

let world: ConsoleWorld;
let chromium: Browser;
beforeAll(async () => {
  if (skip) return;
  world = await createConsoleWorld();
  chromium = await launch();
});
afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]();
  world?.world.close();
});

/** Errors of the page's own script; a refused resource would be one of the policy. */
const watchProblems = (page: Page): readonly string[] => {
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("404")) problems.push(message.text());
  });
  return problems;
};

describe.skipIf(skip)("at 320, 390 and 1440 px, in both colour schemes", () => {
  test.each(pages)("the page %s has no serious violation and does not scroll sideways", async (_, path) => {
    const canary = await sampleCanary(Date.parse("2026-11-21T12:00:00Z"), 40);
    await using server = await startConsole(world, {
      source: { readAudit: async () => trail, readCanary: async () => canary },
      orders: true,
    });
    const page = await chromium.context.newPage();
    const problems = watchProblems(page);
    for (const width of [390, 1440]) {
      await page.setViewportSize({ width, height: 844 });
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        await page.goto(`${server.url}${path}`);
        // What is behind a summary has to hold too.
        await page.evaluate(
          "for (const details of document.querySelectorAll('details')) details.open = true",
        );
        expect(await findViolations(page), `${width} px, ${colorScheme}`).toEqual([]);
        expect(await measureOverflow(page), `${width} px`).toBeLessThanOrEqual(0);
      }
    }
    await page.setViewportSize({ width: 320, height: 844 });
    expect(await measureOverflow(page), "320 px").toBeLessThanOrEqual(0);
    expect(problems).toEqual([]);
    await page.close();
  });
});

test.skipIf(skip)(
  "at 1440 px a model's name is on the line of its values, the tiles of a canary fill its width, and a label is not broken within a word",
  async () => {
    const canary = await sampleCanary(Date.parse("2026-11-21T12:00:00Z"), 40);
    const asked = { ...canary, status: "asked" as const };
    await using server = await startConsole(world, {
      source: { readCanary: async () => asked },
      orders: true,
    });
    const page = await chromium.context.newPage();
    await page.setViewportSize({ width: 1440, height: 844 });
    const measure = async (selector: string) => {
      const box = await page.locator(selector).first().boundingBox();
      if (!box) throw new Error(`${selector} is not on the page`);
      return { ...box, right: box.x + box.width, bottom: box.y + box.height };
    };
    await page.goto(`${server.url}/console/`);
    const name = await measure(".model h3 a");
    const value = await measure(".model dd b");
    expect(Math.abs(name.bottom - value.bottom)).toBeLessThanOrEqual(4);
    await page.goto(`${server.url}/console/models/toy/deliveries/${openDelivery}/canary`);
    const tiles = await measure(".canary-tiles");
    expect((await measure(".canary-tiles > div:last-child")).right).toBeCloseTo(tiles.right, 0);
    const label = await measure('label[for="order-go-confirmation"]');
    const field = await measure("#order-go-confirmation");
    // One line of text above the field.
    expect(field.y - label.y).toBeLessThanOrEqual(30);
    await page.close();
  },
);

/** A world of its own, which the test changes. */
const openLive = async (options: Parameters<typeof startConsole>[1]) => {
  const stack = new AsyncDisposableStack();
  const own = await createConsoleWorld();
  stack.defer(() => own.world.close());
  const server = stack.use(await startConsole(own, options));
  const page = await chromium.context.newPage();
  stack.defer(() => page.close());
  const problems = watchProblems(page);
  let loads = 0;
  page.on("load", () => loads++);
  const reject = () =>
    own.world.approvals.vote(own.approval, {
      ...{ user: "U024BE7LH", name: "Ada", email: "ada@example.com", verdict: "rejected" },
      ...{ reason: "because of the recall", at: own.world.time.now },
    });
  return {
    ...own,
    server,
    page,
    problems,
    loads: () => loads,
    reject,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};

test.skipIf(skip)(
  "with server-sent events a decision appears without a reload; focus, open details and scroll stay where they were",
  async () => {
    await using live = await openLive({ events: true });
    const { page } = live;
    await page.setViewportSize({ width: 390, height: 600 });
    await page.goto(`${live.server.url}/console/models/toy/deliveries/${openDelivery}/approval`);
    await page.locator('[data-status][data-state="live"]').waitFor();
    await page.getByText("1 passed", { exact: true }).click();
    const link = page.getByRole("link", { name: "compare" });
    await link.focus();
    const before = await page.evaluate("scrollY");
    expect(before).toBeGreaterThan(0);
    await live.reject();
    live.server.changes.emit();
    await page.getByText("because of the recall").waitFor();
    expect(await page.evaluate("document.activeElement.textContent")).toBe("compare");
    expect(await page.locator("details").first().getAttribute("open")).not.toBeNull();
    expect(Math.abs(Number(await page.evaluate("scrollY")) - Number(before))).toBeLessThan(100);
    expect(live.loads()).toBe(1);
    expect(live.problems).toEqual([]);
  },
);

test.skipIf(skip)(
  "without events a page asks again, gets 304 while nothing changed, and shows what did",
  async () => {
    await using live = await openLive({});
    const { page } = live;
    await page.goto(`${live.server.url}/console/models/toy/deliveries/${openDelivery}/approval`);
    await expect.poll(() => live.server.statuses.at(-1), { timeout: 60_000 }).toBe(304);
    // The page brings its tag, so that already the first question is answered without it.
    expect(live.server.statuses.filter((status) => status === 200)).toHaveLength(1);
    await live.reject();
    await page.getByText("because of the recall").waitFor({ timeout: 60_000 });
    expect(live.loads()).toBe(1);
    expect(live.problems).toEqual([]);
  },
);

test.skipIf(skip)("without a script every page reads, and its filters work", async () => {
  await using server = await startConsole(world);
  const { context } = chromium;
  const page = await context.newPage();
  await page.route("**/console.js*", (route) => route.abort());
  await page.goto(`${server.url}/console/deliveries`);
  await page.getByLabel("Outcome").selectOption("failed");
  await page.getByRole("button", { name: "Filter" }).click();
  expect(await page.getByRole("listitem").filter({ hasText: "GateFailed" }).count()).toBe(1);
  await page.getByRole("link", { name: "toy v3" }).click();
  await page.getByRole("heading", { name: "GateFailed" }).waitFor();
  expect(await page.getByText("8 h ago").count()).toBe(0);
  await page.close();
});

test.skipIf(skip)("under the pointer a time is shown in the reader's time zone", async () => {
  await using server = await startConsole(world);
  const page = await chromium.context.newPage();
  const devTools = await chromium.context.newCDPSession(page);
  await devTools.send("Emulation.setTimezoneOverride", { timezoneId: "Asia/Tokyo" });
  await page.goto(`${server.url}/console/deliveries`);
  const time = page.locator("time[data-age]").first();
  expect(await time.getAttribute("title")).toMatch(/ UTC$/);
  await time.hover();
  expect(await time.getAttribute("title")).toMatch(/GMT\+9|JST/);
  await page.close();
});

test.skipIf(skip)(
  "the keyboard alone leads from home to the evidence and to where it is decided",
  async () => {
    await using server = await startConsole(world);
    const page = await chromium.context.newPage();
    await page.setViewportSize({ width: 1440, height: 844 });
    await page.goto(`${server.url}/console/`);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await pressTabUntil(page, "See the evidence");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Approval of toy v4" }).waitFor();
    await pressTabUntil(page, "Decide in #deliveries");
    expect(await page.evaluate("document.activeElement.getAttribute('href')")).toBe("/#m-1");
    await page.close();
  },
);

/** The open delivery's version gets a share of prod's traffic. */
const beginCanary = async ({ world, model }: Pick<ConsoleWorld, "world" | "model">) => {
  const { ledger, time } = world;
  const entry = await ledger.begin(
    {
      ...{ environment: "prod", model, delivery: openDelivery, commit: fakeCommit("d"), version: 4 },
      ...{ digest: fakeDigest("d"), functionVersion: "4", fence: 9, previous: 2, reason: null },
    },
    time.now,
  );
  await ledger.change(entry, (current) => ({
    ...current,
    ...{ status: "canary", shares: [{ percent: 10, from: time.now }] },
  }));
};

test.skipIf(skip)(
  "an open canary page offers other orders as soon as they change; what is typed stays, and no key goes to another form",
  async () => {
    await using live = await openLive({ orders: true, events: true });
    const { page, world, model } = live;
    await beginCanary(live);
    await page.goto(`${live.server.url}/console/models/${model}/deliveries/${openDelivery}/canary`);
    await page.locator('[data-status][data-state="live"]').waitFor();
    const reason = page.getByRole("group", { name: "Abort" }).getByLabel("Reason");
    await page.getByRole("group", { name: "Ask the approvers" }).waitFor();
    await reason.fill("a recall");
    const hold = { kind: "hold" as const, until: world.time.now + 3_600_000, reason: "a sale" };
    const kim = { user: "U0KIM", name: "Kim" };
    await world.canaries.order(openDelivery, hold, kim);
    live.server.changes.emit();
    await page.getByRole("group", { name: "End the hold" }).waitFor();
    expect(await page.getByRole("group", { name: "Ask the approvers" }).count()).toBe(0);
    expect(await reason.inputValue()).toBe("a recall");
    await page.keyboard.type("s");
    expect(await reason.inputValue()).toBe("a recalls");
    await page.getByRole("button", { name: "End the hold" }).focus();
    await world.canaries.order(openDelivery, { kind: "end-hold" }, kim);
    live.server.changes.emit();
    await page.getByRole("group", { name: "Ask the approvers" }).waitFor();
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Give an order");
    expect(live.loads()).toBe(1);
    expect(live.problems).toEqual([]);
  },
);

test.skipIf(skip)(
  "a form of the canary's page gives its order, and the page says that it was taken",
  async () => {
    await using live = await openLive({ orders: true });
    const { page, world, model } = live;
    await beginCanary(live);
    await page.goto(`${live.server.url}/console/models/${model}/deliveries/${openDelivery}/canary`);
    await page.getByRole("group", { name: "Abort" }).getByLabel("Reason").fill("a recall");
    const answer = page.waitForResponse((response) => response.request().method() === "POST");
    await page.getByRole("button", { name: "Abort" }).click();
    expect((await answer).status()).toBe(303);
    await page.getByText("Your order was taken").waitFor();
    // The keyboard goes on where the page says what was done.
    expect(await page.evaluate("document.activeElement.textContent")).toMatch(/^Your order was taken/);
    expect(await page.getByText("a recall").count()).toBeGreaterThan(0);
    expect(await world.canaries.read(openDelivery)).toMatchObject({ abort: { reason: "a recall" } });
    expect(live.problems).toEqual([]);
  },
);
