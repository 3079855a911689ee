import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseCoAuthors } from "./parse-co-authors.ts";

test.each([
  ["Co-authored-by: Ada <ada@example.com>", ["ada@example.com"]],
  ["change\n\nCO-AUTHORED-BY:Ada<ada@example.com>\r\nSigned-off-by: x", ["ada@example.com"]],
  ["change\n\nCo-authored-by: Ada\n  <ada@example.com>", ["ada@example.com"]],
  ["Co-authored-by: Ada <ada@example.com>, Bob <bob@example.com>", ["ada@example.com", "bob@example.com"]],
  ["Co-authored-by: somebody without an address", ["somebody without an address"]],
  ["This was not co-authored by anybody: see below", []],
])("%j names %j", (message, emails) => {
  expect(parseCoAuthors(message).map(({ email }) => email)).toEqual(emails);
});

const line = fc.constantFrom(
  "change",
  "",
  "Co-authored-by: Ada <ada@example.com>",
  "co-authored-by : Bob <bob@example.com>",
  "Co-authored-by: Eve",
  "  <eve@example.com>",
  "Signed-off-by: Sam <sam@example.com>",
  "---",
);
test("everyone that git's own trailers name is found", () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const message = `subject\n\n${lines.join("\n")}\n`;
      const trailers = execFileSync("git", ["interpret-trailers", "--parse", "--no-divider"], {
        input: message,
        encoding: "utf8",
      });
      const named = parseCoAuthors(message).map(({ email }) => email);
      for (const trailer of trailers.split("\n")) {
        const address = /^co-authored-by:.*<(.*)>/i.exec(trailer)?.[1];
        if (address !== undefined) expect(named).toContain(address);
      }
    }),
    { numRuns: 40 },
  );
});
