import { expect, test } from "vitest";
import { redactError } from "./redact-error.ts";

test.each([
  ["Slack's token", "xoxb-1234-abc"],
  ["Slack's token that is renewed", "xoxe.xoxb-1-MToxOjEyMzQ1"],
  ["GitHub's token", "ghs_abcDEF123"],
  ["a key of AWS", "ASIA1234567890ABCDEF"],
  ["an id token", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJVMSJ9.c2lnbmF0dXJl-_x"],
  ["a session of the console", "eyJhbGciOiJkaXIifQ..aXYtaXYtaXY.Y2lwaGVydGV4dA.dGFnLXRhZw"],
])("%s in an error's message is not logged", (_, token) => {
  const { message } = redactError(new Error(`refused: "${token}" (400)`));
  expect(message).toBe('refused: "[secret]" (400)');
});

test("a message without a token stays as it is", () => {
  const text = "could not read models/churn/model.yaml at 0123456789ab: eyJ is no token";
  expect(redactError(new Error(text)).message).toBe(text);
});
