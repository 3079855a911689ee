import * as z from "zod";
import { variableGroups } from "#worlds/aws/environment/variable-groups.ts";

/** Environment variables of publish-events. */
export const Env = z.object({
  ...variableGroups.store,
  ...variableGroups.metrics,
  /** The bus of EventBridge on which events are published. */
  EVENT_BUS: z.string().min(1),
});
