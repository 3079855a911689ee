import { html } from "hono/html";
import type { Html } from "./html.ts";

/** A command to type in a terminal; the script adds a button that copies it. */
export const renderCommand = (command: string): Html =>
  html`<pre class="command" data-copy tabindex="0" role="region" aria-label="Command: ${command}"><code>${command}</code></pre>`;
