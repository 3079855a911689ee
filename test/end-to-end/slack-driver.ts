import { createHmac } from "node:crypto";
import { z } from "zod";
import type { EventLineOfKind } from "./event-line.ts";
import type { Fixture } from "./fixture.ts";

const Button = z.object({
  action_id: z.string(),
  text: z.object({ text: z.string() }),
  value: z.string().optional(),
});
const Message = z.object({
  ts: z.string(),
  text: z.string(),
  blocks: z.array(z.looseObject({ type: z.string(), elements: z.array(z.unknown()).optional() })),
});
const History = z.object({ ok: z.literal(true), messages: z.array(Message) });
export type DeskMessage = z.infer<typeof Message>;

/** The users of the desk's workspace. */
export const approverId = "U024BE7LH";
export const authorId = "U0AUTHOR";
export const guestId = "U0GUEST1";

/** The fields of the dialogs that a test submits. */
const dialogs = { "confirm-approval": "confirmation", "canary-abort-reason": "reason" } as const;

type SlackCallback = {
  readonly user: string;
  /** The id of a button. */
  readonly action?: string;
  readonly value: string;
  /** Submits a dialog with this text, instead of a click; by default that of an approval of inconclusive checks. */
  readonly typed?: string;
  readonly dialog?: keyof typeof dialogs;
  readonly team?: string;
  /** Seconds by which the callback's time is too early. */
  readonly late?: number;
  readonly secret?: string;
  /** Changes the body after it was signed. */
  readonly tamper?: (body: string) => string;
};

/**
 * Plays Slack: reads the channel through Slack's Web API, and sends callbacks with its own signatures
 * (https://docs.slack.dev/authentication/verifying-requests-from-slack).
 */
export const createSlackDriver = (
  { secrets, outputs }: Fixture,
  { desk, callbackUrl }: Pick<EventLineOfKind<"question">, "desk" | "callbackUrl">,
) => {
  /** Newest first. */
  const messages = async (): Promise<DeskMessage[]> => {
    const response = await fetch(new URL("/api/conversations.history", desk), {
      method: "POST",
      headers: {
        authorization: `Bearer ${secrets.SLACK_BOT_TOKEN}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body: new URLSearchParams({ channel: "C0DELIVERY", limit: "100" }),
    });
    const text = await response.text();
    outputs.push({ where: "the channel's history", text });
    return History.parse(JSON.parse(text)).messages;
  };
  /** The messages of the channel that link to a delivery's page. */
  const messagesOf = async (delivery: string): Promise<DeskMessage[]> =>
    (await messages()).filter((message) =>
      JSON.stringify(message.blocks).includes(`/deliveries/${delivery}`),
    );
  const buttons = ({ blocks }: DeskMessage) =>
    blocks
      .flatMap(({ elements = [] }) => elements)
      .flatMap((element) => {
        const button = Button.safeParse(element);
        return button.success ? [button.data] : [];
      });

  return {
    messages,
    messagesOf,
    /** The value of the Approve button in a delivery's only message; undefined once the button is gone. */
    questionOf: async (delivery: string): Promise<string | undefined> => {
      const matching = await messagesOf(delivery);
      if (matching.length !== 1) throw new Error(`${delivery} has ${matching.length} messages, not one`);
      return matching.flatMap(buttons).find(({ action_id }) => action_id === "approve")?.value;
    },
    /** The labels of a delivery's buttons. */
    labelsOf: async (delivery: string): Promise<readonly string[]> =>
      (await messagesOf(delivery)).flatMap(buttons).map(({ text }) => text.text),
    /** Whether the Approve button of a delivery opens a dialog, because checks are inconclusive. */
    asksForName: async (delivery: string): Promise<boolean> =>
      (await messagesOf(delivery))
        .flatMap(buttons)
        .some(({ action_id, text }) => action_id === "approve" && text.text === "Approve…"),
    /** The page that a user sees. */
    pageFor: async (user: string, path = "/"): Promise<string> => {
      const page = await (await fetch(new URL(`${path}?as=${user}`, desk))).text();
      outputs.push({ where: `the desk's page ${path} for ${user}`, text: page });
      return page;
    },
    /** A page that a user has open: Slack shows a dialog on the page that was clicked, and on no later one. */
    openPage: async (user: string) => {
      const ending = new AbortController();
      const { body } = await fetch(new URL(`/desk/events?as=${user}`, desk), { signal: ending.signal });
      if (!body) throw new Error("the desk sends no events");
      const reader = body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      const readEvent = async (name: string): Promise<string> => {
        const pattern = new RegExp(`^event: ${name}\\ndata: (.*)$`, "m");
        for (;;) {
          const found = pattern.exec(text);
          if (found) {
            text = text.slice(found.index + found[0].length);
            return found[1] ?? "";
          }
          const { done, value } = await reader.read();
          if (done) throw new Error(`the desk ended its events before ${name}`);
          text += value;
        }
      };
      await readEvent("hello");
      return {
        /** The dialog that is opened next. */
        readDialog: async (): Promise<string> =>
          z.object({ view: z.string() }).parse(JSON.parse(await readEvent("view"))).view,
        [Symbol.dispose]: () => ending.abort(),
      };
    },
    callback: async ({
      user,
      action = "approve",
      value,
      typed,
      dialog = "confirm-approval",
      team = "T0SLIPWAY",
      late = 0,
      secret = secrets.SLACK_SIGNING_SECRET,
      tamper = (body) => body,
    }: SlackCallback): Promise<{ readonly status: number; readonly text: string }> => {
      const input = { [dialogs[dialog]]: { [dialogs[dialog]]: { value: typed } } };
      const payload = {
        ...(typed === undefined
          ? {
              type: "block_actions",
              actions: [
                { type: "button", block_id: "decision", action_id: action, value, action_ts: "1.000000" },
              ],
            }
          : {
              type: "view_submission",
              view: {
                callback_id: dialog,
                private_metadata: value,
                state: { values: input },
              },
            }),
        user: { id: user, username: "someone", name: "someone", team_id: team },
        api_app_id: "A0SLIPWAY",
        trigger_id: "1.2.3",
        team: { id: team, domain: "slipway" },
        channel: { id: "C0DELIVERY", name: "model-deliveries" },
      };
      const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
      const timestamp = String(Math.floor(Date.now() / 1_000) - late);
      const signature = createHmac("sha256", secret).update(`v0:${timestamp}:${body}`).digest("hex");
      const response = await fetch(callbackUrl, {
        method: "POST",
        headers: {
          "content-type": "application/x-www-form-urlencoded",
          "x-slack-request-timestamp": timestamp,
          "x-slack-signature": `v0=${signature}`,
        },
        body: tamper(body),
      });
      const text = await response.text();
      outputs.push({ where: "a callback's response", text });
      return { status: response.status, text };
    },
  };
};
export type SlackDriver = ReturnType<typeof createSlackDriver>;
