/** A text of Slack's that is shown as it is written. https://docs.slack.dev/reference/block-kit/composition-objects/text-object */
export const plainText = (text: string) => ({ type: "plain_text" as const, text });
