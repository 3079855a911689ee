import { createGroupReader } from "#domain/approval/group-reader.ts";
import { createSlack } from "./slack.ts";

/** Slack's Web API, and who is in its user groups. */
export const openSlack = (world: Parameters<typeof createSlack>[0] & { readonly clock: () => number }) => {
  const slack = createSlack(world);
  return { slack, readGroups: createGroupReader({ slack, clock: world.clock }) };
};
