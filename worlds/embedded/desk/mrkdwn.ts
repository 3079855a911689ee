/**
 * Renders Slack's mrkdwn as HTML: bold, italics, strike, code, quotes, links, mentions, emoji. The template escapes all
 * text, so a message can add no element, no attribute, and no link except http, https and mailto.
 * Source: https://docs.slack.dev/messaging/formatting-message-text
 */
import { html } from "hono/html";
import { emojiPattern, renderEmoji } from "./emoji.ts";

export type Html = ReturnType<typeof html>;
/** Display names of users and channels, by id. */
export type DisplayNames = ReadonlyMap<string, string>;

const decodeEntities = (text: string) =>
  text.replace(/&(lt|gt|amp);/g, (_, name) => (name === "lt" ? "<" : name === "gt" ? ">" : "&"));

const inlineToken = new RegExp(
  [
    "`(?<code>[^`\\n]+)`",
    "<(?<angle>[^<>\\n]+)>",
    "(?<![\\w*])\\*(?=\\S)(?<bold>[^*\\n]*?\\S)\\*(?![\\w*])",
    "(?<!\\w)_(?=\\S)(?<italic>[^_\\n]*?\\S)_(?!\\w)",
    "(?<!\\w)~(?=\\S)(?<strike>[^~\\n]*?\\S)~(?!\\w)",
    ":(?<short>[a-z0-9_+-]{1,60}):",
    `(?<char>${emojiPattern})`,
  ].join("|"),
  "gu",
);

const safeAddress = (address: string): string | undefined =>
  /^(https?:\/\/|mailto:)/i.test(address) && URL.canParse(address) ? address : undefined;

/** In this machine's time zone, which is the reader's; an invalid time shows its fallback, as in Slack. */
const renderDate = (target: string, fallback: string | undefined): Html => {
  const seconds = Number(target.split("^")[1]);
  return Number.isInteger(seconds) && Math.abs(seconds) < 8e12
    ? html`<time>${new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" }).format(seconds * 1_000)}</time>`
    : html`<span>${decodeEntities(fallback ?? target)}</span>`;
};

const renderAngleToken = (content: string, names: DisplayNames): Html => {
  const [target = "", label] = content.split(/\|(.*)/s);
  if (/^[@#]/.test(target))
    return html`<span class="mention">${target.slice(0, 1)}${names.get(target.slice(1)) ?? label ?? target.slice(1)}</span>`;
  if (target.startsWith("!date^")) return renderDate(target, label);
  if (target.startsWith("!")) return html`<span class="mention">@${target.slice(1)}</span>`;
  const address = safeAddress(decodeEntities(target));
  return address === undefined
    ? html`${decodeEntities(label ?? target)}`
    : html`<a href="${address}" target="_blank" rel="noopener noreferrer">${decodeEntities(label ?? address)}</a>`;
};

const renderInline = (text: string, names: DisplayNames): Html => {
  const parts: Html[] = [];
  let from = 0;
  for (const match of text.matchAll(inlineToken)) {
    const { code, angle: link, bold, italic, strike, short, char } = match.groups ?? {};
    if (match.index > from) parts.push(html`${decodeEntities(text.slice(from, match.index))}`);
    from = match.index + match[0].length;
    if (code !== undefined) parts.push(html`<code>${decodeEntities(code)}</code>`);
    else if (link !== undefined) parts.push(renderAngleToken(link, names));
    else if (bold !== undefined) parts.push(html`<b>${renderInline(bold, names)}</b>`);
    else if (italic !== undefined) parts.push(html`<i>${renderInline(italic, names)}</i>`);
    else if (strike !== undefined) parts.push(html`<s>${renderInline(strike, names)}</s>`);
    else parts.push(renderEmoji(short ?? char ?? "") ?? html`${match[0]}`);
  }
  parts.push(html`${decodeEntities(text.slice(from))}`);
  return html`${parts}`;
};

const renderLine = (text: string, names: DisplayNames): Html => {
  const quote = text.match(/^(?:>|&gt;) ?(.*)$/s)?.[1];
  if (quote !== undefined) return html`<blockquote>${renderInline(quote, names)}</blockquote>`;
  const item = text.match(/^\s*[•◦▪-] (.*)$/s)?.[1];
  if (item !== undefined) return html`<div class="item">${renderInline(item, names)}</div>`;
  return text.trim() === "" ? html`<div class="gap"></div>` : html`<div>${renderInline(text, names)}</div>`;
};

/** Renders a mrkdwn text; each line becomes a block. */
export const renderMrkdwn = (text: string, names: DisplayNames): Html =>
  html`${text.split("```").map((part, index, all) =>
    // A fence without a closing one is text, as in Slack.
    index % 2 === 1 && index < all.length - 1
      ? html`<pre>${decodeEntities(part.replace(/^\n|\n$/g, ""))}</pre>`
      : (index % 2 === 1
          ? `\`\`\`${part}`
          : part.replace(index > 0 ? /^\n/ : /$^/, "").replace(index < all.length - 2 ? /\n$/ : /$^/, "")
        )
          .split("\n")
          .filter((text, at, lines) => text !== "" || (at > 0 && at < lines.length - 1))
          .map((text) => renderLine(text, names)),
  )}`;

/** Renders a plain_text, in which only emoji short names have a meaning. */
export const renderPlain = (text: string): Html =>
  html`${text
    .split(new RegExp(`(:[a-z0-9_+-]{1,60}:|${emojiPattern})`, "gu"))
    .map((part) => renderEmoji(part.replace(/^:(.+):$/, "$1")) ?? part)}`;
