import { type Logger, LogLevel } from "@slack/web-api";

/** For clients whose refusals a test provokes. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  getLevel: () => LogLevel.ERROR,
  setName() {},
};
