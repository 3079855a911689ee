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
const authorizing = (admission: Admission) => {
  const asked: unknown[] = [];
  const authorize = authorizeKey({
    admit: async (request) => {
      asked.push(request);
      return admission;
    },
  });
  return { authorize, asked };
};
const admitted = { status: "admitted", keyId: "k1", quota: { rate, remaining: 5 } } as const;

test("a key that is admitted goes on with its id and its quota", async () => {
  const { authorize, asked } = authorizing(admitted);
  expect(await authorize(event())).toEqual({
    isAuthorized: true,
    context: {
      keyId: "k1",
      headers: { ratelimit: '"key";r=5;t=60', "ratelimit-policy": '"key";q=60;w=60' },
    },
  });
  expect(asked).toEqual([{ key: "slw_1", model: "churn" }]);
});

test("a key over its limit is let in, and the function reads from the context that it has to answer 429", async () => {
  const { authorize } = authorizing({
    status: "throttled",
    keyId: "k1",
    quota: { rate, remaining: 0 },
    retryAfter: 8,
  });
  const answer = await authorize(event());
  if (!answer.isAuthorized) expect.fail("API Gateway would answer 403");
  expect(readThrottleProblem(JSON.parse(JSON.stringify(answer.context)))).toMatchObject({ retryAfter: 8 });
});

test("a key of other models is 403", async () => {
  const { authorize } = authorizing({ status: "refused", httpStatus: 403 });
  expect(await authorize(event())).toEqual({ isAuthorized: false });
});

// API Gateway compares the message: any other one would be a 500.
test("a key that is not valid is 401, by the one message that API Gateway knows", async () => {
  const { authorize } = authorizing({ status: "refused", httpStatus: 401 });
  await expect(authorize(event())).rejects.toMatchObject({ name: "Unauthorized", message: "Unauthorized" });
});

test("keys that cannot be read let nobody in, and are no 401", async () => {
  const authorize = authorizeKey({ admit: () => Promise.reject(new Error("the table is away")) });
  await expect(authorize(event())).rejects.toThrow("the table is away");
});

test.each([
  ["another route", { routeKey: "ANY /slack/interactions" }],
  ["the default route", { routeKey: "$default" }],
  ["a route below a model's", { routeKey: "GET /models/churn/v1/predict" }],
])("%s lets nobody in, whatever the path says", async (_, changes) => {
  const { authorize, asked } = authorizing(admitted);
  expect(await authorize(event(changes))).toEqual({ isAuthorized: false });
  expect(asked).toEqual([]);
});

test("the model is the route's, not the path's", async () => {
  const { authorize, asked } = authorizing(admitted);
  await authorize(event({ rawPath: "/models/other/../churn/v1/predict" }));
  expect(asked).toMatchObject([{ model: "churn" }]);
});

test("header names count in any case, and a bearer token as well", async () => {
  const { authorize, asked } = authorizing(admitted);
  await authorize(event({ headers: { "X-API-Key": "one" } }));
  await authorize(event({ headers: { Authorization: "Bearer two" } }));
  await authorize(event({ headers: {} }));
  expect(asked).toMatchObject([{ key: "one" }, { key: "two" }, { key: undefined }]);
});

test("what is no event of API Gateway's never gets in", () =>
  fc.assert(
    fc.asyncProperty(fc.anything(), async (given) => {
      await expect(authorizing(admitted).authorize(given)).rejects.toThrow();
    }),
  ));
