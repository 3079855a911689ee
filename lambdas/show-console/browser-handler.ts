import {
  type BrowserRequest,
  type BrowserResponse,
  parseBrowserRequest,
  toHttpApiResponse,
} from "./browser-request.ts";

/** Answers HTTP API events with what `respond` makes of a browser's requests. */
export const createBrowserHandler =
  (respond: (request: BrowserRequest) => Promise<BrowserResponse>) => async (event: unknown) => {
    const request = parseBrowserRequest(event);
    return toHttpApiResponse(
      request
        ? await respond(request)
        : {
            status: 414,
            headers: { "content-type": "text/plain; charset=utf-8" },
            body: "This address is too long for a page of the console.",
          },
    );
  };
