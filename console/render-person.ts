import { html } from "hono/html";
import type { ConsoleLinks } from "./console-links.ts";
import type { Html } from "./html.ts";

/**
 * A person by the display name of their Slack user, wherever a record has them: the command line keeps an id, Slack a short
 * name. The id is beside it where the record says something else.
 */
export const renderPerson = (
  { user, name }: { readonly user: string; readonly name: string },
  { userName }: Pick<ConsoleLinks, "userName">,
): Html => {
  const shown = userName?.(user) ?? name;
  return shown === name ? html`${shown}` : html`${shown} <span class="faint">${user}</span>`;
};

/** `Ada Byron, Kim`. */
export const renderPeople = (
  people: readonly { readonly user: string; readonly name: string }[],
  links: Pick<ConsoleLinks, "userName">,
): Html =>
  html`${people.map((person, index) => html`${index === 0 ? "" : ", "}${renderPerson(person, links)}`)}`;
