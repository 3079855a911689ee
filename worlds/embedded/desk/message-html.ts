import { html } from "hono/html";
import type { Button, Confirm, MessageBlock, TextObject, ViewBlock } from "./blocks.ts";
import type { Message, View } from "./desk-state.ts";
import { type DisplayNames, type Html, renderMrkdwn, renderPlain } from "./mrkdwn.ts";

type Table = Extract<MessageBlock, { readonly type: "table" }>;

const renderTextObject = (object: TextObject, names: DisplayNames): Html =>
  object.type === "mrkdwn" ? renderMrkdwn(object.text, names) : renderPlain(object.text);

/** Shown by the page's script before the click is sent. */
const renderConfirm = ({ title, text, confirm, deny, style }: Confirm): Html =>
  html`<template><form class="view" data-confirm aria-labelledby="confirm-title" novalidate>
    <header><h2 id="confirm-title">${title.text}</h2>
      <button type="button" class="close" aria-label="Close" data-close>✕</button></header>
    <div class="view-blocks"><div class="block section"><div class="text">${text.text}</div></div></div>
    <footer><button type="button" class="button plain" data-close>${deny.text}</button>
      <button type="submit" class="button ${style ?? "primary"}">${confirm.text}</button></footer>
  </form></template>`;

const renderButton = (element: Button, blockId: string | undefined): Html => {
  const shared = html`class="button ${element.style ?? "plain"}" data-block="${blockId ?? ""}" data-action="${element.action_id ?? ""}"`;
  const label = element.accessibility_label ?? element.text.text;
  return element.url === undefined
    ? html`<button type="button" ${shared} aria-label="${label}">${renderPlain(element.text.text)}</button>${element.confirm && renderConfirm(element.confirm)}`
    : html`<a href="${element.url}" target="_blank" rel="noopener noreferrer" ${shared} aria-label="${label}">${renderPlain(element.text.text)}</a>`;
};

/** The first row names the columns, the first column the rows. */
const renderTable = ({ rows, column_settings = [] }: Table, about: string): Html => {
  const [head = [], ...body] = rows;
  const align = (column: number) => column_settings[column]?.align ?? "left";
  return html`<div class="block table" role="region" aria-label="Both versions side by side${about === "" ? "" : `: ${about}`}" tabindex="0"><table>
    <thead><tr>${head.map(({ text }, column) => html`<th scope="col" class="${align(column)}">${text}</th>`)}</tr></thead>
    <tbody>${body.map(
      (row) =>
        html`<tr>${row.map(({ text }, column) =>
          column === 0
            ? html`<th scope="row" class="${align(column)}">${text}</th>`
            : html`<td class="${align(column)}">${text}</td>`,
        )}</tr>`,
    )}</tbody>
  </table></div>`;
};

/** @param about what the message is about, which tells regions of several messages apart */
const renderBlock = (block: MessageBlock | ViewBlock, names: DisplayNames, about = ""): Html => {
  switch (block.type) {
    case "header":
      return html`<h3 class="block header" tabindex="-1">${renderPlain(block.text.text)}</h3>`;
    case "divider":
      return html`<hr class="block">`;
    case "section":
      return html`<div class="block section"><div class="grow">${
        block.text && html`<div class="text">${renderTextObject(block.text, names)}</div>`
      }${
        block.fields &&
        html`<div class="fields">${block.fields.map((field) => html`<div class="field">${renderTextObject(field, names)}</div>`)}</div>`
      }</div>${block.accessory && renderButton(block.accessory, block.block_id)}</div>`;
    case "context":
      return html`<div class="block context">${block.elements.map((element) => html`<span>${renderTextObject(element, names)}</span>`)}</div>`;
    case "table":
      return renderTable(block, about);
    case "actions":
      return html`<div class="block actions">${block.elements.map((element) => renderButton(element, block.block_id))}</div>`;
    case "input": {
      const name = `${block.block_id ?? ""}`;
      const { element } = block;
      const limits = html`name="${name}" id="input-${name}" aria-describedby="about-${name}" maxlength="${element.max_length ?? 3_000}" placeholder="${element.placeholder?.text ?? ""}"`;
      return html`<div class="block input">
        <label for="input-${name}">${block.label.text}${block.optional ? html` <span class="faint">(optional)</span>` : ""}</label>
        ${
          element.multiline
            ? html`<textarea rows="4" ${limits}>${element.initial_value ?? ""}</textarea>`
            : html`<input type="text" value="${element.initial_value ?? ""}" ${limits}>`
        }
        <p class="hint" id="about-${name}">${block.hint?.text ?? ""}</p>
        <p class="problem" role="alert" data-problem="${name}"></p>
      </div>`;
    }
    default:
      return block satisfies never;
  }
};

const clockTime = new Intl.DateTimeFormat("en-US", { hour: "numeric", minute: "2-digit" });
const fullTime = new Intl.DateTimeFormat("en-US", { dateStyle: "full", timeStyle: "medium" });

/** The replies of a message, folded as in Slack's channel. */
const renderThread = (replies: readonly Message[], names: DisplayNames): Html =>
  html`<details class="thread"><summary>${replies.length} ${replies.length === 1 ? "reply" : "replies"}</summary>
    <ol>${replies.map((reply) => {
      const at = new Date(Number(reply.ts) * 1_000);
      return html`<li><time datetime="${at.toISOString()}" title="${fullTime.format(at)}">${clockTime.format(at)}</time> <span class="text">${renderMrkdwn(reply.text, names)}</span></li>`;
    })}</ol></details>`;

/**
 * One message of the channel, as an `<article>`.
 * @param replies its thread, oldest first
 */
export const renderMessage = (
  message: Message,
  names: DisplayNames,
  replies: readonly Message[] = [],
): Html => {
  const at = new Date(Number(message.ts) * 1_000);
  const headline = message.blocks.find((block) => block.type === "header")?.text.text ?? "";
  const about = [headline, clockTime.format(at)].filter((part) => part !== "").join(", ");
  return html`<article class="message${message.onlyFor === undefined ? "" : " ephemeral"}" id="m-${message.ts}" data-ts="${message.ts}" tabindex="-1" aria-label="${names.get(message.user) ?? "App"}, ${clockTime.format(at)}">
    <svg class="avatar" viewBox="0 0 36 36" aria-hidden="true"><use href="/desk/assets/icon.svg#icon"></use></svg>
    <div class="body">
      ${message.onlyFor === undefined ? "" : html`<p class="only-you"><svg viewBox="0 0 20 20" aria-hidden="true"><path d="M1.500 10S4.500 4.500 10 4.500 18.500 10 18.500 10 15.500 15.500 10 15.500 1.500 10 1.500 10z"/><circle cx="10" cy="10" r="2.600"/></svg> Only visible to you</p>`}
      <header><b class="name">${names.get(message.user) ?? "App"}</b> <span class="badge">APP</span>
        <a class="time" href="#m-${message.ts}"><time datetime="${at.toISOString()}" title="${fullTime.format(at)}">${clockTime.format(at)}</time></a></header>
      ${message.subtype === undefined ? "" : html`<p class="only-you">replied to <a href="#m-${message.thread_ts ?? ""}">a thread</a></p>`}
      ${
        message.blocks.length > 0
          ? message.blocks.map((each) => renderBlock(each, names, about))
          : html`<div class="block section"><div class="text">${renderMrkdwn(message.text, names)}</div></div>`
      }
      ${message.edited === undefined ? "" : html`<span class="edited">(edited)</span>`}
      ${replies.length === 0 ? "" : renderThread(replies, names)}
      ${message.onlyFor === undefined ? "" : html`<button type="button" class="link dismiss">Dismiss message</button>`}
      <p class="notice" role="alert" hidden></p>
    </div>
  </article>`;
};

/** The content of the page's `<dialog>` for an open modal. */
export const renderView = ({ id, modal }: View, names: DisplayNames): Html =>
  html`<form class="view" data-view="${id}" aria-labelledby="view-title" novalidate>
    <header><h2 id="view-title">${modal.title.text}</h2>
      <button type="button" class="close" aria-label="Close" data-close>✕</button></header>
    <div class="view-blocks">${modal.blocks.map((each) => renderBlock(each, names))}
      <p class="notice" role="alert" hidden></p></div>
    <footer><button type="button" class="button plain" data-close>${modal.close?.text ?? "Cancel"}</button>
      ${modal.submit === undefined ? "" : html`<button type="submit" class="button primary">${modal.submit.text}</button>`}</footer>
  </form>`;
