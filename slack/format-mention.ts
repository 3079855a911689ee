/** A user's name as Slack shows it; a message with it notifies them. */
export const formatMention = (user: string): string => `<@${user}>`;
