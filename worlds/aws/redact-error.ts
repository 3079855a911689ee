/**
 * Tokens by their form: Slack's, GitHub's, AWS's session and key ids, JSON Web Tokens (the console's sessions, too), and what
 * follows Bearer in an Authorization header. Our clients never quote one, but a server's response may.
 */
const tokenPattern =
  /\b(?:xoxe\.)?xox[a-z]-[\w-]+|\beyJ[\w-]+(?:\.[\w-]*){2,4}|\bgh[a-z]_\w+|\bgithub_pat_\w+|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bBearer [^\s"']+/g;

/** What may be logged of an error: its name and message, cut to the longest length, without its other properties. */
export const redactError = (
  error: unknown,
  longest = 2_000,
): { readonly name: string; readonly message: string } =>
  error instanceof Error
    ? { name: error.name, message: error.message.replace(tokenPattern, "[secret]").slice(0, longest) }
    : { name: "Error", message: `something other than an error was thrown: ${typeof error}` };
