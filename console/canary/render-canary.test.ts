import { expect, test } from "vitest";
import { CanaryLook } from "#domain/canary/canary-look.ts";
import { sampleCanary } from "#test/support/sample-canary.ts";
import { createChartScale } from "./chart-scale.ts";
import { listCharts, thinLooks } from "./list-charts.ts";
import { renderCanary } from "./render-canary.ts";

const startedAt = Date.UTC(2026, 10, 29, 20);
const now = startedAt + 47 * 60_000;
const links = { base: "/console", command: (command: string) => command };
const render = async (facts: Awaited<ReturnType<typeof sampleCanary>>, more = {}) =>
  String(await renderCanary(facts, { links: { ...links, ...more }, now, hasAudit: false }).body);

test("there is a chart for errors, p50, p95, each label and the scores, each with a title, a description, and a table of its values", async () => {
  const facts = await sampleCanary(startedAt, 47);
  expect(listCharts(facts.looks).map(({ title }) => title)).toEqual([
    "Failed requests",
    "Latency p50",
    "Latency p95",
    "Share of “stay”",
    "Share of “churn”",
  ]);
  const page = await render(facts);
  for (const part of ["<title", "<desc", 'class="band challenger"', 'class="limit-line"', "<details"])
    expect(page.split(part).length - 1).toBeGreaterThanOrEqual(5);
  expect(page).not.toMatch(/NaN|undefined|Infinity/);
  expect(page).toContain("Score distribution of both versions over 46 min");
  expect(page).not.toContain("is not shown");
});

test("the page of a canary that an earlier release measured has the other charts, and says why scores are missing", async () => {
  const facts = await sampleCanary(startedAt, 5);
  const drop = ({ scores: _, ...arm }: (typeof facts.looks)[number]["champion"]) => arm;
  const looks = facts.looks.map((look) => ({
    ...look,
    champion: drop(look.champion),
    challenger: drop(look.challenger),
  }));
  const page = await render({ ...facts, looks: looks.map((look) => CanaryLook.parse(look)) });
  expect(page).toContain("Failed requests");
  expect(page).not.toContain("Score distribution");
  expect(page).toContain("an earlier release measured this canary, without scores");
});

test("the limit follows prod's own value, and p50 has none because nothing judges it", async () => {
  const { looks } = await sampleCanary(startedAt, 20);
  const [errors, p50, p95] = listCharts(looks).map(({ points }) => points.at(-1));
  expect(errors?.limit?.high).toBeCloseTo((errors?.champion?.value ?? 0) + 1);
  expect(p50?.limit).toBeNull();
  expect(p95?.limit?.high).toBeCloseTo(
    Math.max(1.5, 1 + 20 / (p95?.champion?.value ?? 1)) * (p95?.champion?.value ?? 0),
  );
});

test("a line breaks where a step begins, because each step is measured from its own start", async () => {
  const facts = await sampleCanary(startedAt, 200);
  expect(new Set(facts.looks.map(({ percent }) => percent))).toEqual(new Set([10, 50]));
  const page = await render(facts);
  expect(page).toContain('class="step-line"');
  expect(/class="series challenger" d="(?<path>[^"]*)"/.exec(page)?.groups?.path?.match(/M/g)).toHaveLength(
    2,
  );
});

test("a long canary keeps every judgement, and its page stays below 300 KB", async () => {
  const { looks } = await sampleCanary(startedAt, 330, { error: 0.014 });
  const thinned = thinLooks(looks);
  expect(thinned.length).toBeLessThan(150);
  expect(thinned.filter(({ judged }) => judged)).toEqual(looks.filter(({ judged }) => judged));
  const page = await render(await sampleCanary(startedAt, 330, { error: 0.014 }));
  expect(Buffer.byteLength(page)).toBeLessThan(300_000);
});

test("the page says how many requests a pass needs, and when the canary ends without a verdict", async () => {
  const facts = await sampleCanary(startedAt, 20);
  const page = await render({ ...facts, samples: { champion: 1_240, challenger: 57, required: 381 } });
  expect(page).toMatch(/57<\/span> <span class="faint">of 381 that a pass needs/);
  expect(page).toMatch(/<progress max="381" value="57"/);
  expect(page).toMatch(/<progress max="381" value="381"/);
  expect(page).toContain("Ends without a verdict");
  expect(page).not.toContain("NaN");
});

test("every judgement is on the page: the newest with their checks, the others in a line each", async () => {
  const facts = await sampleCanary(startedAt, 35);
  const judged = facts.looks.find((look) => look.judged);
  if (!judged) throw new Error("the sample was judged");
  const looks = Array.from({ length: 100 }, (_, index) => ({
    ...judged,
    index,
    at: startedAt + index * 60_000,
  }));
  const page = await render({ ...facts, looks });
  expect(page.match(/<details id="judged-\d+"/g)).toHaveLength(60);
  const [, before = ""] = page.split('<details id="judged-before">');
  expect(before).toContain("40 earlier judgements, without their checks");
  expect(before.split("</ol>", 1)[0]?.match(/<li>/g)).toHaveLength(40);
  expect(Buffer.byteLength(page)).toBeLessThan(300_000);
});

test("names and reasons of people are text, never markup", async () => {
  const facts = await sampleCanary(startedAt, 5);
  const reason = "<script>alert(1)</script>";
  const hold = { by: "U1", name: "<b>Ada", at: now, until: now + 60_000, endedAt: null, reason };
  const page = await render({
    ...facts,
    ...{
      status: "held",
      hold,
      orders: [{ kind: "hold", by: "U1", name: "<b>Ada", at: now, until: now + 60_000, reason }],
    },
  });
  expect(page).not.toContain("<script>alert");
  expect(page).not.toContain("<b>Ada");
});

test("forms appear only where the world takes orders, and never for a canary that is over", async () => {
  const facts = await sampleCanary(startedAt, 5);
  const orders = {
    path: (delivery: string, order: string) => `/canary-orders/${delivery}/${order}`,
    people: [{ user: "U1", name: "Ada" }],
  };
  expect(await render(facts)).not.toContain("<form");
  expect((await render(facts, { orders })).match(/<form/g)).toHaveLength(3);
  const looks = facts.looks.map((look) => ({
    ...look,
    rule: { ...look.rule, onInconclusive: "roll-back" as const },
  }));
  const strict = await render({ ...facts, looks }, { orders });
  expect(strict).toContain("/churn-1/hold");
  expect(strict).not.toContain("/churn-1/go");
  const held = await render({ ...facts, status: "held" }, { orders });
  expect(held).toContain('action="/canary-orders/churn-1/end-hold"');
  expect(held).not.toContain('action="/canary-orders/churn-1/go"');
  // A vote on an inconclusive step needs the model's name, as an approval does.
  expect(await render({ ...facts, status: "asked" }, { orders })).toMatch(
    /Type churn to approve nevertheless <input [^>]*name="confirmation" required/,
  );
  expect(await render({ ...facts, status: "ended" }, { orders })).not.toContain("<form");
});

test("a canary that was never measured says so", async () => {
  const page = await render({ ...(await sampleCanary(startedAt, 1)), looks: [], samples: null });
  expect(page).toContain("the first measurement comes within a minute");
});

test("ticks are round and within the axis", () => {
  for (const [domain, ticks] of [
    [
      [0, 1],
      [0, 0.25, 0.5, 0.75, 1],
    ],
    [
      [3, 58],
      [20, 40],
    ],
    [
      [5, 5],
      [4, 6],
    ],
  ] as const) {
    const scale = createChartScale([domain[0], domain[1]], [100, 0]);
    expect(scale.ticks).toEqual(ticks);
    for (const tick of scale.ticks) expect(scale.toPixel(tick)).toBeGreaterThanOrEqual(0);
  }
});

test("a canary that a person aborted says who, where and why; its last step is not done", async () => {
  const facts = await sampleCanary(startedAt, 5);
  const abort = { by: "U1", name: "Ada", at: now, reason: "a <recall>" };
  const steps = facts.steps.map((step) =>
    step.percent === 10 ? { ...step, state: "stopped" as const } : step,
  );
  const page = await render({ ...facts, steps, status: "ended", abort });
  expect(page).toContain("Ada aborted it at 10 %: <q>a &lt;recall&gt;</q>");
  expect(page).toContain("ended here");
});

test("the number of requests that a pass needs is told apart from the least that are judged", async () => {
  const page = await render(await sampleCanary(startedAt, 5));
  expect(page).toContain("of 381 that a pass needs, to the new version");
  expect(page).toContain("From 200 on they are judged; with fewer than 381");
});

test("after a go that was a vote the page says that the vote was taken, and how many approvals there are", async () => {
  const facts = await sampleCanary(startedAt, 47);
  const vote = { by: "U1", name: "Ada <b>", at: now - 3_000, percent: 10, approvals: 1, quorum: 2 };
  const orders = [
    { kind: "go", by: "U1", name: "Kim", at: now - 60_000, until: null, reason: null },
  ] as const;
  const read = async (change: Partial<typeof facts>, ordered: string | null = "go") =>
    String(await renderCanary({ ...facts, ...change }, { links, now, hasAudit: false }, ordered).body);
  const votes = [{ ...vote, verdict: "approved" as const }];
  expect(await read({ orders: [...orders], votes })).toMatch(
    /Your vote was taken <time[^>]*>[^<]*<\/time>: Ada &lt;b&gt; approved that it goes on without a verdict \(1 of 2 approvals\)/,
  );
  expect(await read({ votes: [{ ...vote, verdict: "waiting" }] })).toContain(
    "counts once Slack shows the address",
  );
  // A later order is the reader's own, and an address alone says nothing.
  expect(await read({ orders: [...orders].map((order) => ({ ...order, at: now })), votes })).toContain(
    "Your order was taken",
  );
  expect(await read({ votes }, null)).not.toContain("was taken");
  expect(await read({})).not.toContain("was taken");
});

/** Judged with enough requests, where p95 alone is inconclusive. */
const judgeP95 = (facts: Awaited<ReturnType<typeof sampleCanary>>, next: "ask" | "shift") =>
  facts.looks.map((look) => ({
    ...look,
    judged: look.judged && {
      ...look.judged,
      ...{ verdict: "inconclusive" as const, next },
      checks: look.judged.checks.map((check) => ({
        ...check,
        ...(check.name === "canary samples" && { measured: 1_366 }),
        verdict: check.name === "canary latency p95" ? ("inconclusive" as const) : ("pass" as const),
      })),
    },
  }));

test("an inconclusive canary says what was inconclusive, and blames the traffic only where it was not enough", async () => {
  const facts = { ...(await sampleCanary(startedAt, 31)), status: "asked" as const };
  expect(await render({ ...facts, percent: 10, looks: judgeP95(facts, "ask") })).toContain(
    "The canary has no verdict at 10 % of prod: latency p95 is inconclusive. The approvers decide",
  );
  const few = facts.looks.map((look) => ({
    ...look,
    judged: look.judged && {
      ...look.judged,
      checks: look.judged.checks.map((check) =>
        check.name === "canary samples" ? { ...check, measured: 57 } : check,
      ),
    },
  }));
  expect(await render({ ...facts, looks: few })).toContain(
    "live traffic was not enough (57 of the 381 requests to each version that a pass needs)",
  );
});

test("an inconclusive judgement that the approvers accepted says by whom, with the display name of their account", async () => {
  const facts = await sampleCanary(startedAt, 31);
  const vote = { by: "U1", name: "U1", at: now, approvals: 2, quorum: 2, verdict: "approved" as const };
  const read = (change: Partial<typeof facts>) =>
    render(
      { ...facts, percent: 10, ...change },
      { userName: (id: string) => (id === "U1" ? "Ada Byron" : undefined) },
    );
  const votes = [
    { ...vote, percent: 10 },
    { ...vote, by: "U2", name: "Kim", percent: 10 },
  ];
  expect(await read({ votes, looks: judgeP95(facts, "shift") })).toContain(
    'accepted by Ada Byron <span class="faint">U1</span>, Kim, goes to the next step',
  );
  // Their answer was about another step, or was not needed.
  expect(await read({ votes: [{ ...vote, percent: 50 }], looks: judgeP95(facts, "shift") })).not.toContain(
    "accepted by",
  );
  expect(await read({ votes, looks: judgeP95(facts, "ask") })).not.toContain("accepted by");
});

test("one person has one name on the page, whichever name an order was given in; the id is beside it where they differ", async () => {
  const facts = await sampleCanary(startedAt, 5);
  const order = { at: now, until: now + 3_600_000 - 4, reason: "a sale" };
  const orders = ["U024BE7LH", "ada", "Ada Byron"].map((name) => ({
    ...{ kind: "hold" as const, by: "U024BE7LH", name, ...order },
  }));
  const page = await render({ ...facts, orders }, { userName: () => "Ada Byron" });
  const who = [...page.matchAll(/<b>(Ada Byron[^/]*)(<\/span>)?<\/b> held it for ([^<:]*)/g)];
  expect(who.map(([, name, , time]) => `${name} ${time}`)).toEqual([
    "Ada Byron 1 h",
    'Ada Byron <span class="faint">U024BE7LH 1 h',
    'Ada Byron <span class="faint">U024BE7LH 1 h',
  ]);
});
