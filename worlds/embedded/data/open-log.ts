import { appendFileSync, renameSync, statSync } from "node:fs";
import { prefixContinuationLines } from "#untrusted/prefix-continuation-lines.ts";
import type { Log } from "#worlds/embedded/capabilities.ts";

type Needs = {
  readonly path: string;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  /** The largest size of the file, and of the previous one. */
  readonly limitBytes?: number;
};

/** Longer entries are cut off. */
const maxEntryChars = 64 * 1_024;

const readFileSize = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

const formatError = (error: unknown): string =>
  error instanceof Error
    ? `: ${error.stack ?? error.message}`
    : error === undefined
      ? ""
      : `: ${String(error)}`;

/**
 * A log file. Each entry starts with its time; its further lines start with a mark. It never throws: it counts entries that
 * a full disk refuses, and the next written entry says how many are missing. At the size limit the file becomes
 * `<path>.1` and replaces the previous one.
 */
export const openLog = ({ path, clock, limitBytes = 32 * 1_024 * 1_024 }: Needs): Log => {
  let missing = 0;
  let bytes: number | undefined;
  const append = (text: string): void => {
    const length = Buffer.byteLength(text);
    bytes ??= readFileSize(path);
    if (bytes > 0 && bytes + length > limitBytes) {
      renameSync(path, `${path}.1`);
      bytes = 0;
    }
    appendFileSync(path, text, { mode: 0o600 });
    bytes += length;
  };
  return (message, error) => {
    try {
      const time = new Date(clock()).toISOString();
      // The last entry may be half written, so the gap starts a line.
      const gap = missing > 0 ? `\n${time} ${missing} entries are missing: they could not be written\n` : "";
      append(
        `${gap}${time} ${prefixContinuationLines(`${message}${formatError(error)}`.slice(0, maxEntryChars))}\n`,
      );
      missing = 0;
    } catch {
      missing += 1;
      // The file may hold half an entry now, or be another file: measure it again.
      bytes = undefined;
    }
  };
};
