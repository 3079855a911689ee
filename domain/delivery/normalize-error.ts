import * as z from "zod";
import { ContractBroken } from "./errors.ts";

type Issue = z.core.$ZodIssue;

/** Of a union whose forms all refuse the data: the issues of the form that has the fewest. */
const listIssues = (issues: readonly Issue[]): readonly Issue[] =>
  issues.flatMap((issue) => {
    if (issue.code !== "invalid_union" || issue.errors.length === 0) return [issue];
    const [closest = []] = issue.errors.toSorted((a, b) => a.length - b.length);
    return listIssues(closest).map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
  });

/**
 * Gives an error a name that the state machine knows: a ZodError becomes ContractBroken. Its message names the invalid
 * fields, never their values, which may be secret.
 */
export const normalizeError = (error: unknown): unknown => {
  if (!(error instanceof z.ZodError)) return error;
  const issues = listIssues(error.issues)
    .slice(0, 5)
    .map(({ path, message }) => `${path.join(".") || "(root)"}: ${message}`);
  const broken = new ContractBroken(
    `invalid data: ${issues.join("; ")}. Make sure that every part of Slipway has the same version, then deliver again. If the error returns, report it.`,
    { cause: error },
  );
  // Keep the stack of the place that refused the data.
  const frames = error.stack?.match(/\n {4}at .*/g);
  if (frames) broken.stack = `${broken.name}: ${broken.message}${frames.join("")}`;
  return broken;
};
