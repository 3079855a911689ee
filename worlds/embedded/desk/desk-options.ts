import type { DeskState } from "./desk-state.ts";
import type { EventBus } from "./event-bus.ts";
import type { SlackRate } from "./rate-limit.ts";
import type { FindSlackFault } from "./slack-faults.ts";

export type DeskUser = {
  /** In Slack's form: U024BE7LH. */
  readonly id: string;
  /** The display name. */
  readonly name: string;
  /** Slack's short name, for interaction payloads. */
  readonly username: string;
  /** The user's role, shown in the sidebar. */
  readonly title: string;
  /** The address of this user's commits. */
  readonly email: string;
};

export type DeskOptions = {
  readonly state: DeskState;
  /** Epoch milliseconds. */
  readonly clock: () => number;
  /** Unguessable, 8 characters or more of A-Z, a-z, 0-9, - and _. */
  readonly randomId: () => string;
  readonly signingSecret: string;
  readonly botToken: string;
  /** The app's request URL, which gets interactions. Called at each click. */
  readonly callbackUrl: () => string;
  readonly teamId: string;
  readonly appId: string;
  readonly channel: { readonly id: string; readonly name: string };
  /** The users of the sidebar; the first is the default. */
  readonly users: readonly [DeskUser, ...DeskUser[]];
  /** The address of the console; absent: the sidebar has no link to it. */
  readonly consoleUrl?: string;
  /** Gets every change of the channel. Default: a bus of its own. */
  readonly events?: EventBus;
  /** User groups by their Slack ids. */
  readonly groups?: readonly { readonly id: string; readonly users: readonly string[] }[];
  /** Default: Slack's limits. */
  readonly rates?: Readonly<Record<string, SlackRate>>;
  /** Makes calls of the Web API go wrong. Default: none. */
  readonly findFault?: FindSlackFault;
  /** The token's scopes. Default: those of docs/slack-app.yaml. */
  readonly scopes?: readonly string[];
  /** Time limit of a callback, milliseconds. Default: Slack's 3,000. */
  readonly callbackTimeoutMs?: number;
  /** Ends the pages' event streams, so that the server can close. */
  readonly stop?: AbortSignal;
};

/** The app's bot user. */
export const botUser = { id: "U0SLIPWAY", botId: "B0SLIPWAY", name: "Slipway", username: "slipway" } as const;
/** The workspace. */
export const team = { name: "Slipway", domain: "slipway" } as const;
