/** The desk's workspace: one channel, three users, and a user group of the approver. */
export const slackWorkspace = {
  teamId: "T0SLIPWAY",
  appId: "A0SLIPWAY",
  channel: { id: "C0DELIVERY", name: "model-deliveries" },
  users: [
    {
      id: "U024BE7LH",
      name: "Ada Byron",
      username: "ada",
      title: "approver",
      email: "ada.byron@example.com",
    },
    {
      id: "U0AUTHOR",
      name: "Sam Carter",
      username: "sam",
      title: "the commit's author",
      email: "sam.carter@example.com",
    },
    {
      id: "U0GUEST1",
      name: "Guest",
      username: "guest",
      title: "no access",
      email: "guest@example.com",
    },
  ],
  groups: [{ id: "S0APPROVERS", users: ["U024BE7LH"] }],
} as const;
