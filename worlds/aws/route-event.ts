import type { z } from "zod";

/**
 * A function that invokes itself asynchronously and also serves HTTP. An event is its own only if it matches the strict
 * schema exactly; every other event goes to `http`. API Gateway's events always have further fields (version, headers,
 * requestContext), and what a caller sends is inside one of them, so no request can pass for an own event.
 */
export const routeEvent =
  <Event, Response>({
    own,
    run,
    http,
  }: {
    readonly own: z.ZodType<Event>;
    readonly run: (event: Event) => Promise<void>;
    readonly http: (event: unknown) => Promise<Response>;
  }) =>
  async (event: unknown): Promise<Response | undefined> => {
    const parsed = own.safeParse(event);
    if (!parsed.success) return http(event);
    await run(parsed.data);
    return undefined;
  };
