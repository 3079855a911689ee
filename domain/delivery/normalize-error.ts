import * as z from "zod";
import { ContractBroken } from "./errors.ts";

/**
 * Gives an error a name that the state machine knows: a ZodError becomes ContractBroken. Its message names the invalid
 * fields, never their values, which may be secret.
 */
export const normalizeError = (error: unknown): unknown => {
  if (!(error instanceof z.ZodError)) return error;
  const issues = error.issues
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
