import type { Deliveries } from "#platform/deliveries/deliveries.ts";
import type { DeskState } from "./desk-state.ts";
import type { SlackRate } from "./rate-limit.ts";

export type DeskUser = {
  /** Slack's form, such as U024BE7LH. */
  readonly id: string;
  /** As people read it. */
  readonly name: string;
  /** Slack's short name, as in interaction payloads. */
  readonly username: string;
  /** Why one would click as this person. */
  readonly title: string;
  /** By which the author of a commit is known. */
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
  /** Where interactions are posted: the app's request URL. Read at each click. */
  readonly callbackUrl: () => string;
  readonly teamId: string;
  readonly appId: string;
  readonly channel: { readonly id: string; readonly name: string };
  /** The people of the page's user switcher; the first is the default. */
  readonly users: readonly [DeskUser, ...DeskUser[]];
  readonly deliveries: Pick<Deliveries, "describe" | "history" | "list">;
  /** Slack's own by default. */
  readonly rates?: Readonly<Record<string, SlackRate>>;
  /** How long a callback may take, milliseconds; Slack's 3,000 by default. */
  readonly callbackTimeoutMs?: number;
  /** Ends the pages' event streams, so that the server can close. */
  readonly stop?: AbortSignal;
};

/** The app's bot, as messages carry it. */
export const botUser = { id: "U0SLIPWAY", botId: "B0SLIPWAY", name: "Slipway", username: "slipway" } as const;
/** The workspace. */
export const team = { name: "Slipway", domain: "slipway" } as const;
