import { html } from "hono/html";
import type { Html } from "./html.ts";

export type Tone = "good" | "bad" | "warn" | "running" | "neutral";

/** Each tone has a mark of its own, so that it is read without colour. */
const marks: Readonly<Record<Tone, string>> = {
  good: "✓",
  bad: "✕",
  warn: "!",
  running: "●",
  neutral: "–",
};

export const renderPill = (tone: Tone, text: string): Html =>
  html`<span class="pill ${tone}"><span class="mark" aria-hidden="true">${marks[tone]}</span>${text}</span>`;
