/**
 * Writes one line for operators. Of the fault only name and message: what else hangs on errors of HTTP clients may be
 * the request, with its token.
 */
export const warn = (sentence: string, fault: unknown): void => {
  const told = fault instanceof Error ? `${fault.name}: ${fault.message}` : typeof fault;
  process.stderr.write(`${JSON.stringify({ level: "WARN", message: sentence, fault: told })}\n`);
};
