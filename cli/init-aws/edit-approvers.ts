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

/** Whether the list on one line has exactly these approvers, in any order. */
export const hasApprovers = (text: string, approvers: readonly string[]): boolean => {
  const list = approversPattern.exec(text)?.[0].replace(/^.*\[|\]$/g, "") ?? "";
  const names = list.split(",").map((name) => name.trim().replace(/^["']|["']$/g, ""));
  return names.toSorted().join() === approvers.toSorted().join();
};
