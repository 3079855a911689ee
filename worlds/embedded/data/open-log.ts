import { appendFileSync, renameSync, statSync } from "node:fs";
import { prefixContinuationLines } from "#untrusted/prefix-continuation-lines.ts";
import type { Log } from "#worlds/embedded/world.ts";

type Needs = {
  readonly path: string;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  /** The file and the one before it have at most this many bytes each. */
  readonly limitBytes?: number;
};

/** Characters of an entry; the rest is cut off. */
const maxEntryChars = 64 * 1_024;

const readFileSize = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

const formatError = (fault: unknown): string =>
  fault instanceof Error
    ? `: ${fault.stack ?? fault.message}`
    : fault === undefined
      ? ""
      : `: ${String(fault)}`;

/**
 * A log in a file. Each entry begins with its time; whatever lines are in its text follow behind a mark. It never throws: what
 * a full disk does not take is counted, and the next entry that is written says how many are missing. A file that has
 * grown to the limit becomes `<path>.1`, in place of the one before.
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
  return (sentence, fault) => {
    try {
      const time = new Date(clock()).toISOString();
      // Behind half an entry a line of its own begins.
      const gap =
        missing > 0 ? `\n${time} ${missing} entries are missing here: they could not be written\n` : "";
      append(
        `${gap}${time} ${prefixContinuationLines(`${sentence}${formatError(fault)}`.slice(0, maxEntryChars))}\n`,
      );
      missing = 0;
    } catch {
      missing += 1;
      // What is there now may be half an entry, or another file.
      bytes = undefined;
    }
  };
};
