/** The scope that each method of the app needs. Source: the methods' pages. */
export const requiredScopes: Readonly<Record<string, string>> = {
  "bots.info": "users:read",
  "chat.postEphemeral": "chat:write",
  "chat.postMessage": "chat:write",
  "chat.update": "chat:write",
  "conversations.history": "channels:history",
  "conversations.replies": "channels:history",
  "usergroups.users.list": "usergroups:read",
  "users.info": "users:read",
  "users.lookupByEmail": "users:read.email",
};
