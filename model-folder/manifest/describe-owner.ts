/** Slack's ids have 9 to 11 characters and a digit; a shorter word, or one without a digit, is a team's name. */
const slackId = /^[UWS](?=[A-Z0-9]*\d)[A-Z0-9]{7,20}$/;

/** Whether a manifest's owner is a Slack user or user group, whom a message can mention as it is. */
export const isSlackOwner = (owner: string): boolean => slackId.test(owner);

/** A manifest's owner for people: a Slack id alone tells nobody what it is. */
export const describeOwner = (owner: string): string => {
  if (!isSlackOwner(owner)) return owner;
  return owner.startsWith("S") ? `Slack user group ${owner}` : `Slack user ${owner}`;
};
