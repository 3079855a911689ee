import { escapeTerminalLine } from "#untrusted/escape-for-terminal.ts";
import { writeToStream } from "#worlds/embedded/write-to-stream.ts";

/** Work that takes less shows nothing. */
const delayMs = 1_000;

const eraseLine = "\r\u001b[2K";

let active: { readonly timer: NodeJS.Timeout; shown: boolean } | undefined;

/** Removes the line of progress before something else is printed. */
export const endProgress = (): void => {
  if (!active) return;
  clearInterval(active.timer);
  if (active.shown) writeToStream(process.stderr, eraseLine);
  active = undefined;
};

/**
 * Says on a terminal what a command does, once that takes longer than a second, and for how long: one line on stderr, which
 * the next output replaces. In a pipe it says nothing. Another call replaces the text.
 * @param what "Building the image"
 */
export const showProgress = (what: string): void => {
  endProgress();
  if (!process.stderr.isTTY) return;
  let seconds = 0;
  const timer = setInterval(() => {
    seconds += delayMs / 1_000;
    if (active) active.shown = true;
    const width = (process.stderr.columns || 80) - 1;
    writeToStream(
      process.stderr,
      `${eraseLine}${escapeTerminalLine(`${what} … ${seconds} s`).slice(0, width)}`,
    );
  }, delayMs);
  // It keeps no command alive.
  timer.unref();
  active = { timer, shown: false };
};
