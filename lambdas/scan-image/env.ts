import * as z from "zod";
import { parts } from "../environment-parts.ts";

/** Environment variables of scan-image. */
export const Env = z.object({
  ...parts.store,
  ...parts.secrets,
  ...parts.source,
  /** The repository's name in ECR, not its address. */
  IMAGE_REPOSITORY: z.string().min(1),
});
