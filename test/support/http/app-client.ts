import type { App } from "#inference/http/app.ts";

/** Sends requests to the service without a server; the responses are fetch's. */
export const createAppClient = (app: App) => {
  const send = async (request: Request): Promise<Response> => {
    const { pathname, search } = new URL(request.url);
    const { status, headers, body } = await app.handle({
      method: request.method,
      path: pathname,
      query: search.slice(1),
      header: (name) => request.headers.get(name) ?? undefined,
      async body(limit) {
        const bytes = new Uint8Array(await request.arrayBuffer());
        return bytes.length > limit ? undefined : bytes;
      },
    });
    const bodiless = request.method === "HEAD" || status === 304;
    return new Response(bodiless ? null : new Uint8Array(Buffer.from(body)), {
      status,
      headers: { ...headers },
    });
  };
  return {
    ...app,
    request: (path: string, init?: RequestInit) => send(new Request(new URL(path, "http://service"), init)),
  };
};
