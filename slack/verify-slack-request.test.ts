import fc from "fast-check";
import { expect, test } from "vitest";
import { signSlackRequest } from "#worlds/embedded/desk/sign-slack-request.ts";
import { RequestRefused, verifySlackRequest } from "./verify-slack-request.ts";

const now = 1_531_420_618;
const body = "payload=%7B%22type%22%3A%22block_actions%22%7D";
type Changes = Partial<Parameters<typeof verifySlackRequest>[0]> & {
  readonly at?: number;
  readonly text?: string;
};
const headersFor = (secret: string, at: number, text: string) => ({
  "x-slack-request-timestamp": String(at),
  "x-slack-signature": signSlackRequest(secret, at, text),
});
const verify = ({ at = now, text = body, ...changes }: Changes = {}) =>
  verifySlackRequest({
    rawBody: Buffer.from(text),
    headers: headersFor("secret", at, text),
    secrets: ["secret"],
    now,
    ...changes,
  });
const signature = headersFor("secret", now, body)["x-slack-signature"];

test.each<[string, Changes]>([
  ["signed now", {}],
  ["300 s old", { at: now - 300 }],
  ["300 s ahead of our clock", { at: now + 300 }],
  ["signed with the new one of two secrets", { secrets: ["other", "secret"] }],
  ["signed with the old one of two secrets", { secrets: ["secret", "other"] }],
  ["empty", { text: "" }],
  [
    "with headers in another case",
    { headers: { "X-SLACK-REQUEST-TIMESTAMP": String(now), "X-Slack-Signature": signature } },
  ],
])("a request %s is accepted", (_, changes) => expect(() => verify(changes)).not.toThrow());

test.each<[string, Changes]>([
  ["301 s old", { at: now - 301 }],
  ["301 s ahead of our clock", { at: now + 301 }],
  ["signed with another secret", { secrets: ["other"] }],
  ["where no secret is configured", { secrets: [] }],
  [
    "signed with the empty secret, which is configured",
    { secrets: [""], headers: headersFor("", now, body) },
  ],
  [
    "signed with the empty secret beside a real one",
    { secrets: ["", "x"], headers: headersFor("", now, body) },
  ],
  ["without headers", { headers: {} }],
  ["without a time", { headers: { "x-slack-signature": signature } }],
  ["without a signature", { headers: { "x-slack-request-timestamp": String(now) } }],
  [
    "with a time that is no number",
    {
      headers: {
        "x-slack-request-timestamp": "NaN",
        "x-slack-signature": signSlackRequest("secret", Number.NaN, body),
      },
    },
  ],
  [
    "with a signature that goes on",
    { headers: { "x-slack-request-timestamp": String(now), "x-slack-signature": `${signature}0` } },
  ],
  [
    "with a signature of the same length in other bytes",
    { headers: { "x-slack-request-timestamp": String(now), "x-slack-signature": "ü".repeat(33) } },
  ],
])("a request %s is refused", (_, changes) => expect(() => verify(changes)).toThrow(RequestRefused));

test("a changed byte of the body is refused", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (raw, at, flip) => {
        const text = Buffer.from(raw).toString("latin1");
        const bytes = Buffer.from(text);
        const headers = headersFor("secret", now, text);
        expect(() => verify({ rawBody: bytes, headers })).not.toThrow();
        const changed = Uint8Array.from(bytes, (byte, index) =>
          index === at % bytes.length ? byte ^ flip : byte,
        );
        expect(() => verify({ rawBody: changed, headers })).toThrow(RequestRefused);
      },
    ),
    { seed: 7 },
  );
});
test("a changed byte of a header, or another secret, is refused", () => {
  const headers = headersFor("secret", now, body);
  fc.assert(
    fc.property(
      fc.nat(),
      fc.constantFrom(...("0123456789abcdef=vZ \0" as string)),
      fc.string(),
      (at, put, secret) => {
        for (const [name, value] of Object.entries(headers)) {
          const index = at % value.length;
          if (value[index] === put) continue;
          const changed = value.slice(0, index) + put + value.slice(index + 1);
          expect(() => verify({ headers: { ...headers, [name]: changed } })).toThrow(RequestRefused);
        }
        if (secret !== "secret") expect(() => verify({ secrets: [secret] })).toThrow(RequestRefused);
      },
    ),
    { seed: 7 },
  );
});
