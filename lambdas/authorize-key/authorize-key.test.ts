import fc from "fast-check";
import { expect, test } from "vitest";
import type { Admission } from "#api-keys/admission.ts";
import { readThrottleProblem } from "#inference/authorization/authorizer-context.ts";
import { authorizeKey } from "./authorize-key.ts";

const rate = { perMinute: 60, burst: 60 };
const event = (changes: object = {}) => ({
  version: "2.0",
  type: "REQUEST",
  routeArn: "arn:aws:execute-api:eu-central-1:111122223333:a1b2c3/$default/POST/models/churn/v1/predict",
  identitySource: null,
  routeKey: "ANY /models/churn/{proxy+}",
  rawPath: "/models/churn/v1/predict",
  rawQueryString: "",
  headers: { "x-api-key": "slw_1", host: "api.example.com" },
  requestContext: { http: { method: "POST", path: "/models/churn/v1/predict" } },
  pathParameters: { proxy: "v1/predict" },
  ...changes,
});
const createAuthorizer = (admission: Admission) => {
  const requests: unknown[] = [];
  const authorize = authorizeKey({
    admit: async (request) => {
      requests.push(request);
      return admission;
    },
  });
  return { authorize, requests };
};
const admitted = { status: "admitted", keyId: "k1", quota: { rate, remaining: 5 } } as const;

test("an admitted key passes on its id and its quota", async () => {
  const { authorize, requests } = createAuthorizer(admitted);
  expect(await authorize(event())).toEqual({
    isAuthorized: true,
    context: {
      keyId: "k1",
      headers: { ratelimit: '"key";r=5;t=60', "ratelimit-policy": '"key";q=60;w=60' },
    },
  });
  expect(requests).toEqual([{ key: "slw_1", model: "churn" }]);
});

test("a key over its limit is admitted, and its context makes the function answer 429", async () => {
  const { authorize } = createAuthorizer({
    status: "throttled",
    keyId: "k1",
    quota: { rate, remaining: 0 },
    retryAfter: 8,
  });
  const response = await authorize(event());
  if (!response.isAuthorized) expect.fail("API Gateway would answer 403");
  expect(readThrottleProblem(JSON.parse(JSON.stringify(response.context)))).toMatchObject({ retryAfter: 8 });
});

test("a key for other models gets 403", async () => {
  const { authorize } = createAuthorizer({ status: "refused", httpStatus: 403 });
  expect(await authorize(event())).toEqual({ isAuthorized: false });
});

// API Gateway compares the message: any other message would be a 500.
test("an invalid key gets 401, with the one message that API Gateway knows", async () => {
  const { authorize } = createAuthorizer({ status: "refused", httpStatus: 401 });
  await expect(authorize(event())).rejects.toMatchObject({ name: "Unauthorized", message: "Unauthorized" });
});

test("if keys cannot be read, no request is admitted, and the error is not a 401", async () => {
  const authorize = authorizeKey({ admit: () => Promise.reject(new Error("the table is away")) });
  await expect(authorize(event())).rejects.toThrow("the table is away");
});

test.each([
  ["another route", { routeKey: "ANY /slack/interactions" }],
  ["the default route", { routeKey: "$default" }],
  ["a route below a model's", { routeKey: "GET /models/churn/v1/predict" }],
])("%s admits no request, even with a model's path", async (_, changes) => {
  const { authorize, requests } = createAuthorizer(admitted);
  expect(await authorize(event(changes))).toEqual({ isAuthorized: false });
  expect(requests).toEqual([]);
});

test("the model comes from the route, not from the path", async () => {
  const { authorize, requests } = createAuthorizer(admitted);
  await authorize(event({ rawPath: "/models/other/../churn/v1/predict" }));
  expect(requests).toMatchObject([{ model: "churn" }]);
});

test("header names match in any case, and a bearer token is accepted too", async () => {
  const { authorize, requests } = createAuthorizer(admitted);
  await authorize(event({ headers: { "X-API-Key": "one" } }));
  await authorize(event({ headers: { Authorization: "Bearer two" } }));
  await authorize(event({ headers: {} }));
  expect(requests).toMatchObject([{ key: "one" }, { key: "two" }, { key: undefined }]);
});

test("an event that is not from API Gateway is never admitted", () =>
  fc.assert(
    fc.asyncProperty(fc.anything(), async (input) => {
      await expect(createAuthorizer(admitted).authorize(input)).rejects.toThrow();
    }),
  ));
