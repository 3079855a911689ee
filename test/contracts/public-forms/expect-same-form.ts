import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect } from "vitest";

const lineWidth = 110;

/** JSON with sorted keys; a value that fits is on one line. */
const writeJson = (value: unknown, indent = ""): string => {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const parts = Array.isArray(value)
    ? value.map((element) => writeJson(element, inner))
    : Object.entries(value)
        .sort(([first], [second]) => (first < second ? -1 : 1))
        .map(([key, item]) => `${JSON.stringify(key)}: ${writeJson(item, inner)}`);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (parts.length === 0) return `${open}${close}`;
  const line = `${open} ${parts.join(", ")} ${close}`;
  if (indent.length + line.length <= lineWidth && !line.includes("\n")) return line;
  return `${open}\n${parts.map((part) => `${inner}${part}`).join(",\n")}\n${indent}${close}`;
};

const fixture = (name: string): URL => new URL(`./${name}.json`, import.meta.url);

/** The recorded form of this name. */
export const readFixture = (name: string): unknown => {
  const file = fixture(name);
  if (!existsSync(file))
    throw new Error(`${name}.json is not recorded yet: run this test with UPDATE_FORMS=1.`);
  return JSON.parse(readFileSync(file, "utf8"));
};

/** Whether this run records the forms instead of comparing them. */
export const isRecording = process.env.UPDATE_FORMS === "1";

/** Records a form under this name. */
export const writeFixture = (name: string, form: unknown): void =>
  writeFileSync(fixture(name), `${writeJson(JSON.parse(JSON.stringify(form)))}\n`);

/** Why a comparison fails, and what to do. */
export const formChanged = (name: string): string =>
  `${name} changed its form, and a public form must not change: callers, stored data or AWS still have the recorded one ` +
  `(test/contracts/public-forms/${name}.json). Restore the form. Only if an issue asks for the change: record it with ` +
  "UPDATE_FORMS=1 and say so in the commit";

/** Compares a form with the recorded one; with UPDATE_FORMS=1 it records it. */
export const expectSameForm = (name: string, form: unknown): void => {
  if (isRecording) writeFixture(name, form);
  else expect(JSON.parse(JSON.stringify(form)), formChanged(name)).toEqual(readFixture(name));
};
