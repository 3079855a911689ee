import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import type { ConsoleRequest, ConsoleResponse } from "#console/create-console.ts";

/** The path of the console beside the desk. */
export const consoleBase = "/console";
export const consoleEvents = `${consoleBase}/events`;

/** Tells open pages that something changed. */
export type ChangeBus = {
  readonly emit: () => void;
  /** Returns what stops listening. */
  readonly listen: (listener: () => void) => () => void;
};

export const createChangeBus = (): ChangeBus => {
  const listeners = new Set<() => void>();
  return {
    emit: () => {
      for (const listener of listeners) listener();
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
};

/**
 * The console's pages, and server-sent events that make open pages read again.
 * @param stop ends the event streams, so that the server can close
 */
export const createConsoleRoute = ({
  respond,
  changes,
  stop,
}: {
  readonly respond: (request: ConsoleRequest) => Promise<ConsoleResponse>;
  readonly changes: Pick<ChangeBus, "listen">;
  readonly stop: AbortSignal;
}): Hono => {
  const app = new Hono();
  app.get(consoleEvents, (c) => {
    const response = streamSSE(c, async (stream) => {
      const ended = Promise.withResolvers<void>();
      let last: Promise<unknown> = stream.writeSSE({ event: "hello", data: "{}", retry: 1_000 });
      const removeListener = changes.listen(() => {
        last = last.then(() => stream.writeSSE({ event: "changed", data: "{}" }));
        last.catch(() => ended.resolve());
      });
      const end = () => ended.resolve();
      stream.onAbort(end);
      stop.addEventListener("abort", end);
      if (stop.aborted) end();
      await ended.promise;
      stop.removeEventListener("abort", end);
      removeListener();
    });
    // Closes the connection with the stream, so that a closing server need not wait for the browser.
    response.headers.set("connection", "close");
    return response;
  });
  const show = async (url: string, path: string, entityTag: string | undefined): Promise<Response> => {
    const { status, headers, body } = await respond({ path, query: new URL(url).searchParams, entityTag });
    return new Response(status === 304 ? null : body, { status, headers });
  };
  app.get(consoleBase, (c) => c.redirect(`${consoleBase}/`));
  app.get(`${consoleBase}/*`, (c) =>
    show(c.req.url, new URL(c.req.url).pathname.slice(consoleBase.length), c.req.header("if-none-match")),
  );
  // Where the pages were before, as in links of older messages.
  app.get("/deliveries", (c) => c.redirect(`${consoleBase}/deliveries`));
  app.get("/deliveries/:delivery", (c) =>
    show(c.req.url, `/deliveries/${encodeURIComponent(c.req.param("delivery"))}`, undefined),
  );
  return app;
};
