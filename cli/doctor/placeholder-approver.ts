/** The Slack id in the shipped policy.yaml and manifests, from Slack's documentation. */
export const placeholderApprover = "U024BE7LH";
