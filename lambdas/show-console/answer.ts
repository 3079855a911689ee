import type { BrowserResponse } from "./browser-request.ts";
import type { Message } from "./message-page.ts";

/** What a route gives: a response, or a message that still becomes a page. */
export type Answer =
  | BrowserResponse
  | { readonly message: Message; readonly cookies?: readonly string[] | undefined };
