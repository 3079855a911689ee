import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { unzipSync } from "fflate";
import { expect, test } from "vitest";
import { zipFunction } from "./zip-function.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const digest = (zip: Uint8Array) => createHash("sha256").update(zip).digest("hex");
const files = { "index.mjs": bytes("export const handler = 1;".repeat(99)), "index.mjs.map": bytes("{}") };

test("a zip contains its files, readable for all users", () => {
  const zip = zipFunction(files);
  expect(unzipSync(zip)).toEqual(files);
  // External attributes in the central directory: APPNOTE 6.3.10, section 4.4.15; the upper half is Unix's mode.
  const central = Buffer.from(zip).indexOf("PK\x01\x02", 0, "latin1");
  expect(Buffer.from(zip).readUInt32LE(central + 38) >>> 16).toBe(0o100644);
});

test("the same files give the same bytes, regardless of their order and of the time zone", () => {
  const reversed = Object.fromEntries(Object.entries(files).reverse());
  expect(digest(zipFunction(reversed))).toBe(digest(zipFunction(files)));

  const program = `
    import { zipFunction } from ${JSON.stringify(new URL("./zip-function.ts", import.meta.url).href)};
    const files = { "index.mjs": Buffer.from("export const handler = 1;".repeat(99)), "index.mjs.map": Buffer.from("{}") };
    process.stdout.write(zipFunction(files));`;
  for (const TZ of ["Pacific/Kiritimati", "America/Los_Angeles"]) {
    const zip = execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
      env: { ...process.env, TZ },
    });
    expect(digest(zip)).toBe(digest(zipFunction(files)));
  }
});
