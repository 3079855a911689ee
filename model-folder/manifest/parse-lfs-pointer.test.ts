import { expect, test } from "vitest";
import { parseLfsPointer } from "./parse-lfs-pointer.ts";

const oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 12345\n`;
const parse = (text: string) => parseLfsPointer(Buffer.from(text, "latin1"));

test("a pointer as git lfs writes it gives hash and size", () => {
  expect(parse(pointer)).toEqual({ kind: "pointer", sha256: oid, size: 12_345 });
});

test.each([
  ["another version", pointer.replace("v1", "v2")],
  ["an extension", pointer.replace("oid", `ext-0-foo sha256:${oid}\noid`)],
  ["another hash function", pointer.replace("sha256", "sha512")],
  ["a hash in capitals", pointer.replace(oid, oid.toUpperCase())],
  ["a short hash", pointer.replace(oid, oid.slice(1))],
  ["no size", pointer.replace(/size.*\n/, "")],
  ["a size with a zero in front", pointer.replace("12345", "012345")],
  ["a negative size", pointer.replace("12345", "-1")],
  ["a size that no number holds", pointer.replace("12345", "9999999999999999")],
  ["no newline at its end", pointer.slice(0, -1)],
  ["Windows' newlines", pointer.replaceAll("\n", "\r\n")],
  ["something after it", `${pointer}x`],
  ["more bytes than a pointer has", pointer + "\n".repeat(2_000)],
])("a pointer with %s is malformed", (_, text) => {
  expect(parse(text)).toEqual({ kind: "malformed" });
});

test.each([
  ["nothing", ""],
  ["an ONNX file", "\x08\x09\x12\x07pytorch"],
  ["a text that has a pointer behind its first line", `\n${pointer}`],
])("%s is content", (_, text) => {
  expect(parse(text)).toEqual({ kind: "content" });
});
