import * as z from "zod";

/** Problems of a model's folder that another process reports. */
export const FolderProblems = z
  .array(
    z.object({
      severity: z.enum(["error", "warning"]),
      file: z.string(),
      line: z.int().optional(),
      column: z.int().optional(),
      path: z.string(),
      message: z.string(),
      remedy: z.string(),
      failsDelivery: z.literal(true).optional(),
    }),
  )
  .max(5_000);
