/**
 * Slack's mrkdwn as HTML: bold, italics, strike, code, quotes, links, mentions, emoji. All text goes through
 * the template's escaping: a message can bring no element, no attribute and no address but http, https and mailto.
 * Source: https://docs.slack.dev/messaging/formatting-message-text
 */
import { html } from "hono/html";
import { drawnCharacters, emoji } from "./emoji.ts";

export type Html = ReturnType<typeof html>;
/** Names for ids: users and channels. */
export type Names = ReadonlyMap<string, string>;

const decoded = (text: string) =>
  text.replace(/&(lt|gt|amp);/g, (_, name) => (name === "lt" ? "<" : name === "gt" ? ">" : "&"));

const inlineToken = new RegExp(
  [
    "`(?<code>[^`\\n]+)`",
    "<(?<angle>[^<>\\n]+)>",
    "(?<![\\w*])\\*(?=\\S)(?<bold>[^*\\n]*?\\S)\\*(?![\\w*])",
    "(?<!\\w)_(?=\\S)(?<italic>[^_\\n]*?\\S)_(?!\\w)",
    "(?<!\\w)~(?=\\S)(?<strike>[^~\\n]*?\\S)~(?!\\w)",
    ":(?<short>[a-z0-9_+-]{1,60}):",
    `(?<char>${drawnCharacters})`,
  ].join("|"),
  "gu",
);

const safeAddress = (address: string): string | undefined =>
  /^(https?:\/\/|mailto:)/i.test(address) && URL.canParse(address) ? address : undefined;

/** Desk and reader share a machine, so its time zone is the reader's; what is no time shows its fallback, as in Slack. */
const date = (target: string, fallback: string | undefined): Html => {
  const seconds = Number(target.split("^")[1]);
  return Number.isInteger(seconds) && Math.abs(seconds) < 8e12
    ? html`<time>${new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" }).format(seconds * 1_000)}</time>`
    : html`<span>${decoded(fallback ?? target)}</span>`;
};

const angle = (content: string, names: Names): Html => {
  const [target = "", label] = content.split(/\|(.*)/s);
  if (/^[@#]/.test(target))
    return html`<span class="mention">${target.slice(0, 1)}${names.get(target.slice(1)) ?? label ?? target.slice(1)}</span>`;
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!")) return html`<span class="mention">@${target.slice(1)}</span>`;
  const address = safeAddress(decoded(target));
  return address === undefined
    ? html`${decoded(label ?? target)}`
    : html`<a href="${address}" target="_blank" rel="noopener noreferrer">${decoded(label ?? address)}</a>`;
};

const inline = (text: string, names: Names): Html => {
  const parts: Html[] = [];
  let from = 0;
  for (const match of text.matchAll(inlineToken)) {
    const { code, angle: link, bold, italic, strike, short, char } = match.groups ?? {};
    if (match.index > from) parts.push(html`${decoded(text.slice(from, match.index))}`);
    from = match.index + match[0].length;
    if (code !== undefined) parts.push(html`<code>${decoded(code)}</code>`);
    else if (link !== undefined) parts.push(angle(link, names));
    else if (bold !== undefined) parts.push(html`<b>${inline(bold, names)}</b>`);
    else if (italic !== undefined) parts.push(html`<i>${inline(italic, names)}</i>`);
    else if (strike !== undefined) parts.push(html`<s>${inline(strike, names)}</s>`);
    else parts.push(emoji(short ?? char ?? "") ?? html`${match[0]}`);
  }
  parts.push(html`${decoded(text.slice(from))}`);
  return html`${parts}`;
};

const line = (text: string, names: Names): Html => {
  const quote = text.match(/^(?:>|&gt;) ?(.*)$/s)?.[1];
  if (quote !== undefined) return html`<blockquote>${inline(quote, names)}</blockquote>`;
  const item = text.match(/^\s*[•◦▪-] (.*)$/s)?.[1];
  if (item !== undefined) return html`<div class="item">${inline(item, names)}</div>`;
  return text.trim() === "" ? html`<div class="gap"></div>` : html`<div>${inline(text, names)}</div>`;
};

/** A mrkdwn text as HTML; each line is a block of its own. */
export const renderMrkdwn = (text: string, names: Names): Html =>
  html`${text.split("```").map((part, index, all) =>
    // An opening fence without a closing one is text, as in Slack.
    index % 2 === 1 && index < all.length - 1
      ? html`<pre>${decoded(part.replace(/^\n|\n$/g, ""))}</pre>`
      : (index % 2 === 1
          ? `\`\`\`${part}`
          : part.replace(index > 0 ? /^\n/ : /$^/, "").replace(index < all.length - 2 ? /\n$/ : /$^/, "")
        )
          .split("\n")
          .filter((text, at, lines) => text !== "" || (at > 0 && at < lines.length - 1))
          .map((text) => line(text, names)),
  )}`;

/** A plain_text: nothing but emoji short names is read in it. */
export const renderPlain = (text: string): Html =>
  html`${text
    .split(new RegExp(`(:[a-z0-9_+-]{1,60}:|${drawnCharacters})`, "gu"))
    .map((part) => emoji(part.replace(/^:(.+):$/, "$1")) ?? part)}`;
