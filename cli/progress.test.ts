import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { endProgress, showProgress } from "./progress.ts";

const { isTTY, columns } = process.stderr;
let written: string[];
beforeEach(() => {
  vi.useFakeTimers();
  written = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  Object.assign(process.stderr, { isTTY: true, columns: 40 });
});
afterEach(() => {
  endProgress();
  vi.restoreAllMocks();
  vi.useRealTimers();
  Object.assign(process.stderr, { isTTY, columns });
});

test("work of more than a second says what it is and for how long, on one line that the next output replaces", () => {
  showProgress("Building the image");
  vi.advanceTimersByTime(999);
  expect(written).toEqual([]);
  vi.advanceTimersByTime(1_001);
  expect(written).toEqual(["\r\u001b[2KBuilding the image … 1 s", "\r\u001b[2KBuilding the image … 2 s"]);
  endProgress();
  vi.advanceTimersByTime(5_000);
  expect(written).toHaveLength(3);
  expect(written.at(-1)).toBe("\r\u001b[2K");
});

test("work that was fast, and work in a pipe, leave nothing", () => {
  showProgress("Reading");
  endProgress();
  Object.assign(process.stderr, { isTTY: false });
  showProgress("Reading from AWS");
  vi.advanceTimersByTime(5_000);
  expect(written).toEqual([]);
});

test("a line never wraps: its end could not be erased", () => {
  showProgress("Waiting for a service whose name is much longer than this terminal is wide");
  vi.advanceTimersByTime(1_000);
  expect(written.join("").replace("\r\u001b[2K", "")).toHaveLength(39);
});
