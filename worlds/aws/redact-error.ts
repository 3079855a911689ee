/**
 * Tokens by their own marks: Slack's, GitHub's, AWS's session and key ids, and what stands in an Authorization header.
 * No client of ours quotes one; a server's answer that does is not ours to trust.
 */
const tokenPattern =
  /\bxox[a-z]-[\w-]+|\bgh[a-z]_\w+|\bgithub_pat_\w+|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bBearer [^\s"']+/g;

/** What may be told of a fault: its name and message, at most so many characters of it, and nothing else that hangs on it. */
export const redactError = (
  fault: unknown,
  longest = 2_000,
): { readonly name: string; readonly message: string } =>
  fault instanceof Error
    ? { name: fault.name, message: fault.message.replace(tokenPattern, "[secret]").slice(0, longest) }
    : { name: "Error", message: `something other than an error was thrown: ${typeof fault}` };
