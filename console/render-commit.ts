import { html } from "hono/html";
import type { SourceLink } from "#platform/source/source.ts";
import type { Html } from "./html.ts";

/** A commit's first 12 digits, with a link to its page where there is one. */
export const renderCommit = (commit: string, link?: SourceLink | null): Html => {
  const id = html`<code title="${commit}">${commit.slice(0, 12)}</code>`;
  return link?.kind === "page" && /^https?:\/\//.test(link.url) ? html`<a href="${link.url}">${id}</a>` : id;
};
