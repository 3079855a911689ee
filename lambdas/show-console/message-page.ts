import type { BrowserResponse } from "./browser-request.ts";

type Message = {
  readonly status: number;
  readonly title: string;
  /** What happened, then what to do. */
  readonly text: string;
  /** The next step, for example to sign in again. */
  readonly link?: { readonly text: string; readonly path: string };
};

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => escapes[character] ?? "");

/** A page that says why there is no other page. */
export const renderMessagePage = ({ status, title, text, link }: Message): BrowserResponse => ({
  status,
  headers: { "content-type": "text/html; charset=utf-8" },
  body: `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)} · Slipway</title><link rel="stylesheet" href="/console.css"></head>
<body><main><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p>${
    link ? `<p><a href="${escapeHtml(link.path)}">${escapeHtml(link.text)}</a></p>` : ""
  }</main></body>
</html>
`,
});
