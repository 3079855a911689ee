import { createHash } from "node:crypto";

/**
 * The execution's name of one model at one commit: the same push gives the same name, so a doubled event starts
 * nothing twice; a person's re-run is another attempt. At most 80 characters, as Step Functions has it.
 */
export const createDeliveryName = (of: {
  readonly repository: string;
  readonly model: string;
  readonly commit: string;
  /** 1 for the push itself. */
  readonly attempt: number;
}): string => {
  const hash = createHash("sha256").update(`${of.repository}\n${of.commit}\n${of.model}`).digest("hex");
  return `${of.model}-${of.commit.slice(0, 12)}-${hash.slice(0, 8)}${of.attempt > 1 ? `-${of.attempt}` : ""}`;
};
