import { createHash } from "node:crypto";

/**
 * Names the execution for one model at one commit. The same push gives the same name, so that a duplicate event starts
 * nothing; a person's re-run is another attempt. At most 80 characters, the limit of Step Functions.
 */
export const createDeliveryName = ({
  repository,
  model,
  commit,
  attempt,
}: {
  readonly repository: string;
  readonly model: string;
  readonly commit: string;
  /** 1 for the push itself. */
  readonly attempt: number;
}): string => {
  const hash = createHash("sha256").update(`${repository}\n${commit}\n${model}`).digest("hex");
  return `${model}-${commit.slice(0, 12)}-${hash.slice(0, 8)}${attempt > 1 ? `-${attempt}` : ""}`;
};
