import { html } from "hono/html";
import type { Html } from "./html.ts";

/** A sentence of ours or of a step, in which `` `code` `` becomes code. */
export const renderSentence = (text: string): Html =>
  html`${text.split("`").map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`;
