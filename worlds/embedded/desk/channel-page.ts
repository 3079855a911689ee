import { html } from "hono/html";
import type { DeskOptions, DeskUser } from "./desk-options.ts";
import type { Message } from "./desk-state.ts";
import { renderLayout } from "./layout.ts";
import { renderMessage } from "./message-html.ts";
import type { DisplayNames, Html } from "./mrkdwn.ts";

const day = new Intl.DateTimeFormat("en-US", { weekday: "long", month: "long", day: "numeric" });

/** The messages, oldest first, with a separator for each day. */
export const renderMessages = (
  messages: readonly Message[],
  names: DisplayNames,
  readReplies: (ts: string) => readonly Message[],
): Html => {
  const dayOf = (message: Message | undefined) =>
    message === undefined ? undefined : day.format(new Date(Number(message.ts) * 1_000));
  return html`${messages.map((message, index) => {
    const today = dayOf(message);
    return html`${
      today === dayOf(messages[index - 1])
        ? ""
        : html`<div class="day" role="separator"><span>${today}</span></div>`
    }${renderMessage(message, names, readReplies(message.ts))}`;
  })}`;
};

/** The channel's page. */
export const renderChannelPage = (
  options: Pick<DeskOptions, "channel" | "users" | "consoleUrl">,
  {
    me,
    messages,
    names,
    readReplies,
  }: {
    readonly me: DeskUser;
    readonly messages: readonly Message[];
    readonly names: DisplayNames;
    readonly readReplies: (ts: string) => readonly Message[];
  },
): Html =>
  renderLayout(options, {
    title: `#${options.channel.name} · Slipway`,
    me,
    path: "/",
    main: html`
    <header class="top"><h1><span aria-hidden="true">#</span> ${options.channel.name}</h1>
      <p class="topic">Model deliveries to prod</p>
      <span class="live" role="status" data-live>connecting…</span></header>
    <div class="scroll" tabindex="0" role="log" aria-label="Messages" aria-live="polite" data-messages>
      <div class="welcome"><h2># ${options.channel.name}</h2>
        <p>Deliveries request approval here before they change prod. This desk replaces Slack on your machine, with Slack's client, signed callbacks and limits.</p></div>
      <div class="messages" data-list>${renderMessages(messages, names, readReplies)}</div>
    </div>
    <p class="composer"><span class="face face-${options.users.indexOf(me) % 4}" aria-hidden="true">${me.name.slice(0, 1)}</span>
      <span>You act as <b>${me.name}</b> (${me.title}). Choose another user in the sidebar.</span></p>
    <dialog data-dialog></dialog>`,
  });
