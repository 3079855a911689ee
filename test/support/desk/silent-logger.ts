import { type Logger, LogLevel } from "@slack/web-api";

/** For clients whose refusals are what a test wants to see. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  getLevel: () => LogLevel.ERROR,
  setName() {},
};
