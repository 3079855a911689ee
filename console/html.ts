import type { html } from "hono/html";

/** What the `html` template of hono gives: it escapes every value that is not such a result itself. */
export type Html = ReturnType<typeof html>;
