import { type Logger, LogLevel } from "@slack/web-api";

/** For clients in tests that provoke errors. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  getLevel: () => LogLevel.ERROR,
  setName() {},
};
