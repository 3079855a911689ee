import { html } from "hono/html";
import { renderPage } from "#console/render-page.ts";
import type { BrowserResponse } from "./browser-request.ts";

export type Message = {
  readonly status: number;
  readonly title: string;
  /** What happened, then what to do. */
  readonly text: string;
  /** The next step, for example to sign in again. */
  readonly link?: { readonly text: string; readonly path: string };
};

/** A page that says why there is no other page. */
export const renderMessagePage = async (
  revision: string,
  { status, title, text, link }: Message,
): Promise<BrowserResponse> => ({
  status,
  headers: {
    "content-type": "text/html; charset=utf-8",
    // What stops for a while: a browser and a script ask again after a minute.
    ...(status === 503 && { "retry-after": "60" }),
  },
  body: await renderPage(
    { links: { base: "", command: (command) => command }, revision },
    {
      title,
      active: null,
      refresh: null,
      body: html`<h1>${title}</h1>
<p>${text}</p>
${link ? html`<p><a class="button" href="${link.path}">${link.text}</a></p>` : ""}`,
    },
  ),
});
