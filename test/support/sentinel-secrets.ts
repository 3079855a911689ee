/** Marked secrets and inputs that appear nowhere else: a log that holds one has leaked it. */
export const sentinelSecrets = {
  slackToken: "xoxb-marked-5f2c-slack-token",
  signingSecret: "marked-81aa-signing-secret",
  clientSecret: "marked-62d1-client-secret",
  sessionKey: "marked-0e47-session-key-of-the-console",
  gitHubToken: "ghp_marked77d0githubtoken",
  webhookSecret: "marked-3c19-webhook-secret",
  awsSecretKey: "marked-c2e8-aws-secret-key",
  taskToken: "AQCMARKED/9b1d/task+token==",
  inputRow: "marked-input-41d7",
} as const;

/** The forms of a value in a log line: plain, in JSON, in an address, base64 or hex. */
const encodeForms = (value: string): readonly string[] => [
  value,
  JSON.stringify(value).slice(1, -1),
  encodeURIComponent(value),
  // Without the last characters, which depend on what follows.
  Buffer.from(value).toString("base64").replace(/=+$/, "").slice(0, -1),
  Buffer.from(value).toString("hex"),
];

/** Names of the marked secrets that a text holds. */
export const findSentinelSecrets = (text: string): readonly string[] =>
  Object.entries(sentinelSecrets).flatMap(([name, value]) =>
    encodeForms(value).some((form) => text.includes(form)) ? [name] : [],
  );
