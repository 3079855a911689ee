import * as z from "zod";
import { ContractBroken } from "./errors.ts";

/**
 * A fault under a name that the state machine and its readers know. What a schema refuses is ContractBroken, with the
 * places that are wrong and none of what stood there.
 */
export const normalizeError = (fault: unknown): unknown => {
  if (!(fault instanceof z.ZodError)) return fault;
  const wrong = fault.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.join(".") || "all of it"}: ${message}`);
  const broken = new ContractBroken(
    `Data came in a form that this version of Slipway does not know: ${wrong.join("; ")}. See that all of it is of one version, deliver again, and report it where it comes back.`,
    { cause: fault },
  );
  // Where it was refused, not where it was given its name.
  const frames = fault.stack?.match(/\n {4}at .*/g);
  if (frames) broken.stack = `${broken.name}: ${broken.message}${frames.join("")}`;
  return broken;
};
