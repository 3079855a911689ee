/** The list of approvers on one line, as in the shipped files. */
const approversPattern = /(\bapprovers:\s*)\[[^\]\n]*\]/;

/**
 * Replaces the approvers in a policy or a manifest and leaves the rest as it is. Undefined where the list is not written
 * on one line.
 */
export const editApprovers = (text: string, approvers: readonly string[]): string | undefined =>
  approversPattern.test(text)
    ? text.replace(approversPattern, (_, key: string) => `${key}[${approvers.join(", ")}]`)
    : undefined;
