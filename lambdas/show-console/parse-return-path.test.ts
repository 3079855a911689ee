import fc from "fast-check";
import { expect, test } from "vitest";
import { parseReturnPath } from "./parse-return-path.ts";

const origin = "https://console.example";

test("a path of the console with its query stays as it is", () => {
  for (const path of ["/", "/models/churn", "/models/churn/deliveries/d-1?from=10&to=20"])
    expect(parseReturnPath(path)).toBe(path);
});

test.each([
  "//evil.example",
  "/\\evil.example",
  "\\\\evil.example",
  "/..//evil.example",
  "/.//evil.example",
  "https://evil.example/",
  "javascript:alert(1)",
  "/\t/evil.example",
  "/\n/evil.example",
  "/models\r\nset-cookie: a=b",
  " //evil.example",
  "models/churn",
  "",
  null,
  undefined,
  `/${"a".repeat(2_000)}`,
])("%j leads to the home page", (value) => {
  expect(parseReturnPath(value)).toBe("/");
});

test("no text leaves the origin or breaks a header", () => {
  const piece = fc.constantFrom(
    ..."/\\.:@?#%\r\n\t \u0000",
    "//",
    "..",
    "%2f",
    "%5c",
    "%0d%0a",
    "%2e",
    "evil.example",
    "https:",
    "javascript:",
    "é",
    "models",
  );
  const text = fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 8 });
  fc.assert(
    fc.property(text, fc.boolean(), (pieces, rooted) => {
      const path = parseReturnPath(`${rooted ? "/" : ""}${pieces.join("")}`);
      expect(new URL(path, origin).origin).toBe(origin);
      expect(path).toMatch(/^\/(?!\/)[!-~]*$/);
      expect(new URL(`${origin}${path}`).host).toBe("console.example");
      // What it returns, it returns again.
      expect(parseReturnPath(path)).toBe(path);
    }),
    { numRuns: 2_000 },
  );
});
