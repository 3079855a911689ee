/**
 * A moment in the reader's own time zone; the text after the bar is for clients that cannot show it.
 * https://docs.slack.dev/messaging/formatting-message-text#date-formatting
 * @param at epoch milliseconds
 */
export const formatTime = (at: number): string =>
  `<!date^${Math.floor(at / 1_000)}^{date_short_pretty} {time}|${new Date(at).toUTCString()}>`;
