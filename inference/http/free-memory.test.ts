import { expect, test } from "vitest";
import { freeMemory } from "./free-memory.ts";

test("bytes that have their memory for themselves are freed", () => {
  const bytes = Buffer.allocUnsafeSlow(64);
  freeMemory(bytes);
  expect(bytes.length).toBe(0);
});

test("memory that other bytes share stays", () => {
  const shared = Buffer.from(new ArrayBuffer(64));
  freeMemory(shared.subarray(8));
  freeMemory(Buffer.from("a text of Node's pool"));
  expect(shared.length).toBe(64);
  expect(Buffer.from("another").toString()).toBe("another");
});
