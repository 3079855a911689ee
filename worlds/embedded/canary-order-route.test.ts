import { beforeEach, expect, test } from "vitest";
import { createCanaryOrderRoute } from "./canary-order-route.ts";

const origin = "http://127.0.0.1:4747";
let given: unknown[];
beforeEach(() => {
  given = [];
});

const route = createCanaryOrderRoute({
  people: [{ id: "U024BE7LH", name: "Ada" }],
  findModel: async (delivery) => (delivery === "churn-1" ? "churn" : undefined),
  order: async (delivery, request, person) => {
    given.push([delivery, request, person]);
    return request.kind === "go"
      ? { taken: false, sentence: "<b>Not</b> now." }
      : { taken: true, sentence: "" };
  },
  page: (model, delivery) => `/console/models/${model}/deliveries/${delivery}/canary`,
  stylesheet: "/console/console.css",
});
const post = (path: string, fields: Readonly<Record<string, string>>, headers = {}) =>
  route.request(`${origin}/canary-orders/${path}`, {
    method: "POST",
    headers: { host: "127.0.0.1:4747", origin, ...headers },
    body: new URLSearchParams(fields),
  });
const as = "U024BE7LH";

test("a form gives its order in the chosen person's name, and leads back to the canary", async () => {
  const response = await post("churn-1/hold", { as, for: "60", reason: "a sale" });
  expect(response.status).toBe(303);
  expect(response.headers.get("location")).toBe(
    "/console/models/churn/deliveries/churn-1/canary?ordered=hold",
  );
  expect(given).toEqual([
    [
      "churn-1",
      { kind: "hold", forMs: 3_600_000, reason: "a sale" },
      { user: as, name: "Ada", via: "console" },
    ],
  ]);
});

test("the forms that let a canary go on name what was confirmed: a hold that ends, or a vote by the model's name", async () => {
  await post("churn-1/end-hold", { as });
  await post("churn-1/go", { as, confirmation: "churn" });
  expect(given).toEqual([
    ["churn-1", { kind: "end-hold" }, { user: as, name: "Ada", via: "console" }],
    ["churn-1", { kind: "go", confirmation: "churn" }, { user: as, name: "Ada", via: "console" }],
  ]);
});

test("another site's form changes nothing", async () => {
  for (const headers of [
    { origin: "https://evil.example" },
    { host: "evil.example" },
    { "sec-fetch-site": "cross-site" },
    { origin: "https://evil.example", "sec-fetch-site": "same-origin" },
    // A sandboxed page, of anybody.
    { origin: "null" },
    { origin: "null", "sec-fetch-site": "cross-site" },
    // The models' port.
    { origin: "null", "sec-fetch-site": "same-site" },
    { origin: "null", "sec-fetch-site": "same-origin", host: "evil.example" },
  ])
    expect((await post("churn-1/abort", { as, reason: "x" }, headers)).status).toBe(403);
  expect(given).toEqual([]);
});

test("a browser that sends no referrers gives the order too; what refuses another site's form is a page", async () => {
  const own = await post(
    "churn-1/abort",
    { as, reason: "x" },
    { origin: "null", "sec-fetch-site": "same-origin" },
  );
  expect(own.status).toBe(303);
  const refused = await post("churn-1/abort", { as, reason: "x" }, { origin: "null" });
  expect(refused.headers.get("content-type")).toMatch(/^text\/html/);
  expect(await refused.text()).toContain("open the canary");
});

test("an incomplete form, an unknown person, order or delivery changes nothing", async () => {
  for (const [path, fields, status] of [
    ["churn-1/hold", { as, reason: "no end" }, 400],
    ["churn-1/hold", { as, for: "1441", reason: "too long" }, 400],
    ["churn-1/abort", { as, reason: " " }, 400],
    ["churn-1/abort", { as: "U0STRANGE", reason: "x" }, 400],
    ["churn-1/promote", { as }, 404],
    ["other-1/abort", { as, reason: "x" }, 404],
  ] as const)
    expect([path, (await post(path, fields)).status]).toEqual([path, status]);
  expect(given).toEqual([]);
});

test("a refused order says why, as text", async () => {
  const response = await post("churn-1/go", { as });
  expect(response.status).toBe(409);
  expect(await response.text()).toContain("&lt;b&gt;Not&lt;/b&gt; now.");
});

test("a wrong typed name is refused in the words of the form, before anything is ordered", async () => {
  const response = await post("churn-1/go", { as, confirmation: "chrn" });
  expect(response.status).toBe(400);
  const page = await response.text();
  expect(page).toContain("The typed name is not churn: go back, and type churn");
  expect(page).not.toContain("click");
  expect(given).toEqual([]);
  // Phones capitalise the first letter.
  await post("churn-1/go", { as, confirmation: " Churn" });
  expect(given).toHaveLength(1);
});
