import { html } from "hono/html";
import { type DeskOptions, type DeskUser, team } from "./desk-options.ts";
import type { Html } from "./mrkdwn.ts";

const initials = (name: string) =>
  name
    .split(/\s+/)
    .map((part) => part.slice(0, 1).toUpperCase())
    .slice(0, 2)
    .join("");

const renderUser = (user: DeskUser, index: number, path: string, me: DeskUser): Html =>
  html`<li><a class="person" href="${path}?as=${user.id}" ${user.id === me.id ? html`aria-current="true"` : ""} title="${user.title}">
    <span class="face face-${index % 4}" aria-hidden="true">${initials(user.name)}</span>
    <span class="who"><span class="who-name">${user.name}${user.id === me.id ? html` <span class="you">you</span>` : ""}</span><span class="who-title">${user.title}</span></span></a></li>`;

/** The layout of all pages: the sidebar and `main`. */
export const renderLayout = (
  { channel, users, consoleUrl }: Pick<DeskOptions, "channel" | "users" | "consoleUrl">,
  page: {
    readonly title: string;
    readonly me: DeskUser;
    /** The page's path, which the links to other users keep. */
    readonly path: string;
    readonly main: Html;
  },
): Html => html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${page.title}</title>
  <link rel="icon" href="/desk/assets/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/desk/assets/desk.css">
  <script src="/desk/assets/desk.js" type="module"></script>
</head>
<body data-me="${page.me.id}">
<a class="skip" href="#main">Skip to the channel</a>
<div class="app">
  <nav class="sidebar" aria-label="Workspace">
    <p class="workspace"><svg viewBox="0 0 36 36" aria-hidden="true"><use href="/desk/assets/icon.svg#icon"></use></svg>${team.name}</p>
    <div class="nav">
      <h2>Channels</h2>
      <ul><li><a class="place" href="/?as=${page.me.id}" aria-label="${channel.name}" aria-current="page"><span class="hash" aria-hidden="true">#</span><span class="place-name">${channel.name}</span></a></li></ul>
      ${
        consoleUrl === undefined
          ? ""
          : html`<h2>Apps</h2>
      <ul><li><a class="place" href="${consoleUrl}" aria-label="Console"><svg class="hash" viewBox="0 0 20 20" aria-hidden="true"><path d="M3 5h10M3 10h14M3 15h7"/></svg><span class="place-name">Console</span></a></li></ul>`
      }
    </div>
    <div class="people">
      <h2>You act as</h2>
      <ul>${users.map((user, index) => renderUser(user, index, page.path, page.me))}</ul>
    </div>
  </nav>
  <main id="main" class="channel">${page.main}</main>
</div>
</body>
</html>`;
