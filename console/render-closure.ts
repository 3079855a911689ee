import { html } from "hono/html";
import type { Closure } from "#domain/changes/find-closure.ts";
import type { Html } from "./html.ts";
import { formatMoment, renderTime } from "./render-time.ts";

/** Why prod is closed, and until when, without a final period. */
export const describeClosure = ({ why, until }: Closure, now: number): Html =>
  html`${why}${until === null ? "" : html`, until ${formatMoment(until)} (${renderTime(until, now)})`}`;

export const renderClosure = (closure: Closure, now: number): Html =>
  html`<p class="notice warn"><b>Prod is closed:</b> ${describeClosure(closure, now)}.</p>`;
