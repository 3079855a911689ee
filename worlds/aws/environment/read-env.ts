import type { z } from "zod";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

/** Environment variables are missing or wrong; the message names them, and never contains their values. */
export class EnvironmentIncomplete extends SlipwayError {
  override readonly name = "EnvironmentIncomplete";
  override readonly retryable = false;
}

/** Reads a function's environment by its `Env`, once when the function starts. Throws EnvironmentIncomplete. */
export const readEnv = <Env extends z.ZodObject>(
  Env: Env,
  variables: Readonly<Record<string, string | undefined>> = process.env,
): z.infer<Env> => {
  const parsed = Env.safeParse(variables);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => {
    const name = path.join(".");
    return getOwnProperty(variables, name) === undefined
      ? `${name} is not set`
      : `${name} is wrong (${message})`;
  });
  throw new EnvironmentIncomplete(
    `This function cannot start: ${problems.join("; ")}. Its env.ts says what each is; set them by applying the stack again.`,
  );
};
