/** The desk replaces Slack: its Web API for the app, a channel's page for people, signed callbacks. */
import { readFileSync } from "node:fs";
import { type Context, Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { z } from "zod";
import { limitBody } from "#worlds/embedded/gateway/request-body.ts";
import { renderChannelPage, renderMessages } from "./channel-page.ts";
import { botUser, type DeskOptions, type DeskUser } from "./desk-options.ts";
import { isInChannel } from "./desk-state.ts";
import { createEventBus, type DeskEvent } from "./event-bus.ts";
import { createInteractions } from "./interactions.ts";
import { renderMessage, renderView } from "./message-html.ts";
import { requireLocalHost, requireOwnOrigin } from "./origin-guards.ts";
import { createWebApi } from "./web-api.ts";

const assets: Readonly<Record<string, string>> = {
  "desk.css": "text/css; charset=utf-8",
  "desk.js": "text/javascript; charset=utf-8",
  "icon.svg": "image/svg+xml",
};
const maxShownMessages = 200;

const Click = z.object({ as: z.string(), ts: z.string(), block: z.string(), action: z.string() });
const Submit = z.object({ as: z.string(), typed: z.record(z.string(), z.string()) });
const ActingUser = z.object({ as: z.string() });

/**
 * Mount it at the root of a server on 127.0.0.1. Its paths: `/`, `/desk/…`, `/api/…` (slackApiUrl is
 * `http://127.0.0.1:<port>/api/`) and `/response/…`.
 */
export const createDesk = (options: DeskOptions): Hono => {
  const { state, users, channel } = options;
  const events = options.events ?? createEventBus();
  const interactions = createInteractions({ ...options, events });
  const names = new Map<string, string>([
    ...users.map(({ id, name }) => [id, name] as const),
    [botUser.id, botUser.name],
    [channel.id, channel.name],
  ]);
  const findUser = (id: string | undefined): DeskUser | undefined => users.find((user) => user.id === id);
  const me = (c: Context): DeskUser => findUser(c.req.query("as")) ?? users[0];
  const isFor = ({ onlyFor }: { onlyFor?: string | undefined }, user: DeskUser) =>
    onlyFor === undefined || onlyFor === user.id;
  const messagesFor = (user: DeskUser) =>
    state
      .messages(maxShownMessages)
      .filter((message) => isFor(message, user) && isInChannel(message))
      .reverse();
  const respondGone = (c: Context) =>
    c.json({ status: "failed", notice: "This message or dialog no longer exists: reload the page." }, 404);

  const app = new Hono();
  for (const path of ["/", "/desk/*", "/api/*", "/response/*"]) app.use(path, requireLocalHost);
  const limitSmallBody = limitBody(100_000, (c) => c.text("Payload Too Large", 413));
  app.use("/desk/*", requireOwnOrigin, limitSmallBody);
  app.use("/response/*", limitSmallBody);

  app.route("/api", createWebApi({ ...options, events }));

  app.get("/", (c) =>
    c.html(
      renderChannelPage(options, {
        me: me(c),
        messages: messagesFor(me(c)),
        names,
        readReplies: state.replies,
      }),
    ),
  );
  for (const [file, type] of Object.entries(assets)) {
    const content = readFileSync(new URL(`assets/${file}`, import.meta.url), "utf8");
    app.get(`/desk/assets/${file}`, (c) =>
      c.body(content, 200, { "content-type": type, "cache-control": "no-cache" }),
    );
  }

  app.get("/desk/channel", async (c) => {
    return c.json({ messages: String(await renderMessages(messagesFor(me(c)), names, state.replies)) });
  });
  app.get("/desk/events", (c) => {
    const user = me(c);
    const renderEvent = async (event: DeskEvent) => {
      switch (event.type) {
        case "message":
          return isFor(event.message, user) && isInChannel(event.message)
            ? {
                ts: event.message.ts,
                html: String(await renderMessage(event.message, names, state.replies(event.message.ts))),
              }
            : undefined;
        case "removed":
          return { ts: event.ts, html: null };
        case "view":
          return event.view.user === user.id
            ? { view: String(await renderView(event.view, names)) }
            : undefined;
        default:
          return event satisfies never;
      }
    };
    const response = streamSSE(c, async (stream) => {
      const ended = Promise.withResolvers<void>();
      let last: Promise<unknown> = stream.writeSSE({ event: "hello", data: "{}", retry: 1_000 });
      const removeListener = events.listen((event) => {
        // One after the other, so that two edits of a message arrive in order.
        last = last.then(async () => {
          const data = await renderEvent(event);
          if (data !== undefined) await stream.writeSSE({ event: event.type, data: JSON.stringify(data) });
        });
        last.catch(() => ended.resolve());
      });
      const stop = () => ended.resolve();
      stream.onAbort(stop);
      options.stop?.addEventListener("abort", stop);
      if (options.stop?.aborted) stop();
      await ended.promise;
      options.stop?.removeEventListener("abort", stop);
      removeListener();
    });
    // Closes the connection with the stream, so that a closing server need not wait for the browser.
    response.headers.set("connection", "close");
    return response;
  });

  app.post("/desk/clicks", async (c) => {
    const click = Click.safeParse(await c.req.json().catch(() => undefined));
    const user = click.success ? findUser(click.data.as) : undefined;
    if (!click.success || user === undefined) return respondGone(c);
    const { ts, block, action } = click.data;
    const origin = new URL(c.req.url).origin;
    const result = await interactions.click({ user, ts, block, action, origin });
    return result === undefined ? respondGone(c) : c.json(result);
  });
  app.post("/desk/messages/:ts/dismiss", async (c) => {
    const as = ActingUser.safeParse(await c.req.json().catch(() => undefined));
    const message = state.message(c.req.param("ts"));
    if (!as.success || message === undefined || message.onlyFor !== as.data.as) return respondGone(c);
    state.removeMessage(message.ts);
    events.emit({ type: "removed", ts: message.ts });
    return c.json({ status: "answered" });
  });
  app.post("/desk/views/:id", async (c) => {
    const submit = Submit.safeParse(await c.req.json().catch(() => undefined));
    const user = submit.success ? findUser(submit.data.as) : undefined;
    if (!submit.success || user === undefined) return respondGone(c);
    const result = await interactions.submit({ user, view: c.req.param("id"), typed: submit.data.typed });
    if (result === undefined) return respondGone(c);
    return result.status === "updated"
      ? c.json({ status: "updated", view: String(await renderView(result.view, names)) })
      : c.json(result);
  });
  app.post("/desk/views/:id/close", async (c) => {
    const as = ActingUser.safeParse(await c.req.json().catch(() => undefined));
    const view = state.view(c.req.param("id"));
    if (!as.success || view === undefined || view.user !== as.data.as) return respondGone(c);
    state.removeView(view.id);
    return c.json({ status: "closed" });
  });

  app.post("/response/:id", async (c) => {
    const failed = interactions.respond(c.req.param("id"), await c.req.json().catch(() => undefined));
    return failed === undefined ? c.text("ok") : c.json({ ok: false, error: failed.error }, 404);
  });
  return app;
};
