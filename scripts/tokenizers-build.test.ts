import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { computeSourcesHash, hashBytes } from "./tokenizers-build.ts";

const text = fileURLToPath(new URL("../inference/text/", import.meta.url));
const record = JSON.parse(readFileSync(`${text}tokenizers.build.json`, "utf8"));

test("tokenizers.wasm is the build of its record, and its sources are unchanged since: npm run build:tokenizers", () => {
  expect(hashBytes(readFileSync(`${text}tokenizers.wasm`))).toBe(record.sha256);
  expect(computeSourcesHash(`${text}crate`)).toBe(record.sources);
});

test("the crates are pinned", () => {
  expect(readFileSync(`${text}crate/Cargo.toml`, "utf8")).toMatch(/^tokenizers = \{ version = "=0\.23\.2"/m);
  expect(readFileSync(`${text}crate/rust-toolchain.toml`, "utf8")).toMatch(/^channel = "\d+\.\d+\.\d+"$/m);
});
