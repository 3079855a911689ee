import { expect, test } from "vitest";
import {
  parseBake,
  parseCount,
  parseDuration,
  parseModelName,
  parseModelNames,
  parsePort,
  parseTrafficRate,
} from "./options.ts";

const refused = expect.objectContaining({ code: "commander.invalidArgument" });

test("a bake is a number with a unit, or `manifest`", () => {
  expect(["500ms", "3s", "1.5m", "24h", "manifest"].map(parseBake)).toEqual([
    500,
    3_000,
    90_000,
    86_400_000,
    "manifest",
  ]);
});

// Node's timers count to 24.8 days; beyond it they fire at once.
test.each(["", "3", "s", "-3s", "3 s", "3d", "1e3s", "25h", "999999h"])("a bake of %j is refused", (text) => {
  expect(() => parseBake(text)).toThrow(refused);
});

test("a port is a number in digits", () => {
  expect(["0", "4747", "65535"].map(parsePort)).toEqual([0, 4_747, 65_535]);
  for (const text of ["", " ", "0x50", "1e3", "80.5", "-1", "65536", "http"])
    expect(() => parsePort(text), text).toThrow(refused);
});

test("a rate is a number from 0 to 5000", () => {
  expect(["0", "250", "0.5"].map(parseTrafficRate)).toEqual([0, 250, 0.5]);
  for (const text of ["", " ", "many", "-1", "5001", "Infinity"])
    expect(() => parseTrafficRate(text), text).toThrow(refused);
});

test("a model's name is refused with the rule it breaks", () => {
  expect(parseModelName("churn-2")).toBe("churn-2");
  for (const text of ["", "Churn", "../churn", "churn.", "-churn"])
    expect(() => parseModelName(text), text).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/1 to 40/) }),
    );
});

test("commas separate models, and one invalid name refuses all", () => {
  expect(parseModelNames("churn,transit-time")).toEqual(["churn", "transit-time"]);
  for (const text of ["", "churn,", "churn, other", "churn,../x"])
    expect(() => parseModelNames(text), text).toThrow(refused);
});

test("a duration is written as in a manifest or short, at most ten years", () => {
  expect(["PT24H", "P90D", "PT0S"].map(parseDuration)).toEqual([86_400_000, 7_776_000_000, 0]);
  expect(["30m", "24h", "1.5h", "90d"].map(parseDuration)).toEqual([
    1_800_000, 86_400_000, 5_400_000, 7_776_000_000,
  ]);
  for (const text of ["", "24", "h", "24 h", "-1h", "1e3h", "3651d", "P1Y", "P", "P3651D", "-P1D"])
    expect(() => parseDuration(text), text).toThrow(refused);
});

test("a count is a whole number, 1 or more", () => {
  expect(parseCount("600")).toBe(600);
  for (const text of ["", "0", "-1", "1.5", "1e3", "many", "9999999999"])
    expect(() => parseCount(text), text).toThrow(refused);
});
