import fc from "fast-check";
import { expect, test } from "vitest";
import { FollowUp } from "#domain/approval/finish-approval.ts";
import { toHttpEvent } from "#worlds/embedded/gateway/http-event.ts";
import { routeEvent } from "./route-event.ts";

const createRoute = () => {
  const own: FollowUp[] = [];
  const http: unknown[] = [];
  const route = routeEvent({
    own: FollowUp,
    run: async (event) => void own.push(event),
    http: async (event) => {
      http.push(event);
      return { statusCode: 401 };
    },
  });
  return { own, http, route };
};
const followUp: FollowUp = { followUp: "finish-approval", approval: "toy~1", explainTo: null };

test("an own event runs and returns nothing", async () => {
  const { own, http, route } = createRoute();
  expect(await route(followUp)).toBeUndefined();
  expect({ own, http }).toEqual({ own: [followUp], http: [] });
});

test.each([
  ["body", { body: JSON.stringify(followUp) }],
  ["form", { body: new URLSearchParams({ payload: JSON.stringify(followUp) }).toString() }],
  ["query", { rawQueryString: "followUp=finish-approval&approval=toy~1&explainTo=" }],
  ["query parameters", { queryStringParameters: { ...followUp } }],
  ["headers", { headers: { ...followUp } }],
  ["fields of its own", { ...followUp }],
])("a request with a follow-up in its %s stays a request", async (_, fields) => {
  const { own, http, route } = createRoute();
  const request = new Request("https://slack.example/slack/interactions", { method: "POST" });
  const options = { model: "", requestId: "request", now: 0 };
  const event = toHttpEvent(request, "/slack/interactions", new Uint8Array(), options);
  expect(await route({ ...event, ...fields })).toEqual({ statusCode: 401 });
  expect(own).toEqual([]);
  expect(http).toHaveLength(1);
});

test("an event with any further, missing or wrong field is never an own event", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc
          .tuple(fc.string(), fc.jsonValue())
          .filter(([name]) => !(name in followUp))
          .map(([name, value]) => JSON.parse(JSON.stringify({ ...followUp, [name]: value }))),
        fc
          .constantFrom("followUp", "approval", "explainTo")
          .map((name) => ({ ...followUp, [name]: undefined })),
        fc
          .jsonValue()
          .filter((value) => value !== "finish-approval")
          .map((value) => ({ ...followUp, followUp: value })),
        fc.jsonValue(),
      ),
      async (event) => {
        // Object literals cannot set this name as a field.
        fc.pre(Object.keys(event ?? {}).length !== 3 || !FollowUp.safeParse(event).success);
        const { own, route } = createRoute();
        await route(event);
        expect(own).toEqual([]);
      },
    ),
  );
});
