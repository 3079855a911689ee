import * as z from "zod";
import { parts } from "../environment-parts.ts";

/** Environment variables of verify-model. */
export const Env = z.object({
  ...parts.store,
  ...parts.secrets,
  ...parts.metrics,
  ...parts.source,
  ...parts.functions,
  ...parts.stage,
  /** The repository's name in ECR, not its address. */
  IMAGE_REPOSITORY: z.string().min(1),
});
