import { html } from "hono/html";
import { escapeControls } from "#untrusted/escape-controls.ts";
import type { ConsoleLinks } from "./console-links.ts";
import { consolePaths } from "./console-paths.ts";
import type { Html } from "./html.ts";

export type Page = {
  readonly title: string;
  /** The entry of the navigation that the page belongs to; null: none. */
  readonly active: "models" | "deliveries" | null;
  /** The way up from this page, the nearest last. */
  readonly trail?: readonly { readonly label: string; readonly href: string }[];
  readonly body: Html;
  /** How often the page asks for changes while it is open, in seconds; null: what it shows no longer changes. */
  readonly refresh: number | null;
};

export type PageContext = {
  readonly links: ConsoleLinks;
  /** Of the style and the script. */
  readonly revision: string;
  /** Of what the page shows: its script asks with it whether that is still so. */
  readonly entityTag?: string | undefined;
};

/** Keeps lines. A mark of direction in a name or a reason would show another text than the one that people decide about. */
const escapePage = (page: string): string => page.split("\n").map(escapeControls).join("\n");

/**
 * The layout of all pages. Sections of the body with an id and `data-live` are replaced where they changed; without the
 * script the page is complete. Control characters and marks of direction are shown as what they are.
 */
export const renderPage = async (
  { links, revision, entityTag }: PageContext,
  page: Page,
): Promise<string> => {
  const paths = consolePaths(links.base);
  const asset = (name: string) => `${links.base}/${name}?v=${revision}`;
  const navigation = [
    { id: "models", label: "Models", href: paths.home },
    { id: "deliveries", label: "Deliveries", href: paths.deliveries() },
  ] as const;
  const rendered = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${page.title} · Slipway</title>
<link rel="icon" href="${asset("icon.svg")}" type="image/svg+xml">
<link rel="stylesheet" href="${asset("console.css")}">
<script src="${asset("console.js")}" type="module"></script>
</head>
<body${page.refresh === null ? "" : html` data-refresh="${page.refresh}"`}${links.events === undefined ? "" : html` data-events="${links.events}"`}${entityTag === undefined ? "" : html` data-tag="${entityTag}"`}>
<a class="skip" href="#main">Skip to the content</a>
<header class="bar"><div class="wide">
<a class="brand" href="${paths.home}"><svg viewBox="0 0 36 36" aria-hidden="true"><use href="${asset("icon.svg")}#icon"></use></svg>Slipway</a>
<nav aria-label="Pages"><ul>${navigation.map(
    ({ id, label, href }) =>
      html`<li><a href="${href}"${id === page.active ? html` aria-current="page"` : ""}>${label}</a></li>`,
  )}${links.channel ? html`<li><a href="${links.channel.href}">${links.channel.label}</a></li>` : ""}</ul></nav>
${links.signOut === undefined ? "" : html`<form class="sign-out" method="post" action="${links.signOut}"><button class="button">Sign out</button></form>`}
<span class="live" role="status" data-status></span>
</div></header>
<main id="main" class="wide" tabindex="-1">
${
  page.trail && page.trail.length > 0
    ? html`<nav class="trail" aria-label="Breadcrumb"><ol>${page.trail.map(({ label, href }) => html`<li><a href="${href}">${label}</a></li>`)}</ol></nav>`
    : ""
}
${page.body}
</main>
</body>
</html>`;
  return escapePage(String(rendered));
};
