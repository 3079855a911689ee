import { html } from "hono/html";
import { formatAge } from "./format-age.ts";
import type { Html } from "./html.ts";

const moment = new Intl.DateTimeFormat("en-GB", {
  dateStyle: "medium",
  timeStyle: "medium",
  timeZone: "UTC",
});

/** `29 Nov 2026, 21:37:34 UTC`. The script shows the reader's time zone instead. */
export const formatMoment = (at: number): string => `${moment.format(at)} UTC`;

/**
 * A time as its age, with the exact time as its title; the script keeps the age up to date.
 * @param at epoch milliseconds
 */
export const renderTime = (at: number, now: number): Html =>
  html`<time datetime="${new Date(at).toISOString()}" title="${formatMoment(at)}" data-age>${formatAge(at, now)}</time>`;
