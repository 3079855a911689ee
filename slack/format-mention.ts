/** A user's or a user group's name as Slack shows it; a message with it notifies them. */
export const formatMention = (id: string): string => (id.startsWith("S") ? `<!subteam^${id}>` : `<@${id}>`);
