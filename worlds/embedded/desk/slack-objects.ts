/** Messages and views in the form of Slack's API and interaction payloads. */
import { botUser, type DeskOptions } from "./desk-options.ts";
import type { Message, View } from "./desk-state.ts";

type App = Pick<DeskOptions, "teamId" | "appId">;

/** Without its metadata, which only `include_all_metadata` shows. */
export const toSlackMessage = (
  { onlyFor: _, metadata: __, ...message }: Message,
  { teamId, appId }: App,
) => ({
  type: "message" as const,
  ...message,
  team: teamId,
  bot_id: botUser.botId,
  app_id: appId,
});

/** The inputs, by block and action. */
export type ViewValues = Readonly<Record<string, Readonly<Record<string, string>>>>;

export const toSlackView = ({ id, hash, modal }: View, { teamId, appId }: App, values: ViewValues) => ({
  id,
  team_id: teamId,
  ...modal,
  submit: modal.submit ?? null,
  close: modal.close ?? null,
  state: {
    values: Object.fromEntries(
      Object.entries(values).map(([block, actions]) => [
        block,
        Object.fromEntries(
          Object.entries(actions).map(([action, value]) => [
            action,
            { type: "plain_text_input", value: value === "" ? null : value },
          ]),
        ),
      ]),
    ),
  },
  hash,
  root_view_id: id,
  previous_view_id: null,
  app_id: appId,
  app_installed_team_id: teamId,
  bot_id: botUser.botId,
});
