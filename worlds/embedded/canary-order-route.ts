import { type Context, Hono } from "hono";
import { html } from "hono/html";
import * as z from "zod";
import { parseRejectionReason } from "#domain/approval/parse-rejection-reason.ts";
import { isConfirmed } from "#domain/approval/typed-confirmation.ts";
import type { OrderRequest, OrderResult } from "#domain/canary/give-canary-order.ts";
import { limitBody } from "#worlds/embedded/gateway/request-body.ts";
import { isOwnOrigin, requireLocalHost } from "./desk/origin-guards.ts";

/** Not below /desk/, whose routes read the body before: a second reader of a body waits for ever. */
export const canaryOrderPath = "/canary-orders";

const Person = z.object({ as: z.string().max(100) });
const Hold = Person.extend({ for: z.coerce.number().int().min(1).max(1_440), reason: z.string().max(4_000) });
const Go = Person.extend({ confirmation: z.string().max(200).optional() });
const Abort = Person.extend({ reason: z.string().max(4_000) });

type Needs = {
  /** The desk's personas: on one machine nobody can prove to be another. */
  readonly people: readonly { readonly id: string; readonly name: string }[];
  /** The model of a delivery; undefined: it is unknown. */
  readonly findModel: (delivery: string) => Promise<string | undefined>;
  readonly order: (
    delivery: string,
    request: OrderRequest,
    person: { readonly user: string; readonly name: string; readonly via: "console" },
  ) => Promise<OrderResult>;
  /** The canary's page, to which a person returns. */
  readonly page: (model: string, delivery: string) => string;
  /** The pages' style. */
  readonly stylesheet: string;
};

/** The order of a form; a sentence: what is wrong with it; undefined: there is no such form. */
const parseOrder = (
  kind: string,
  fields: unknown,
): { readonly request: OrderRequest; readonly as: string } | string | undefined => {
  const incomplete = "The form is incomplete: go back and fill it in.";
  switch (kind) {
    case "hold": {
      const { data } = Hold.safeParse(fields);
      if (!data) return incomplete;
      const parsed = parseRejectionReason(data.reason);
      if ("problem" in parsed) return parsed.problem;
      return { as: data.as, request: { kind, forMs: data.for * 60_000, reason: parsed.reason } };
    }
    case "end-hold": {
      const { data } = Person.safeParse(fields);
      return data ? { as: data.as, request: { kind } } : incomplete;
    }
    case "go": {
      const { data } = Go.safeParse(fields);
      if (!data) return incomplete;
      return { as: data.as, request: { kind, confirmation: data.confirmation } };
    }
    case "abort": {
      const { data } = Abort.safeParse(fields);
      if (!data) return incomplete;
      const parsed = parseRejectionReason(data.reason);
      if ("problem" in parsed) return parsed.problem;
      return { as: data.as, request: { kind, reason: parsed.reason } };
    }
    default:
      return undefined;
  }
};

/** The forms of a canary's page: POST `/canary-orders/<delivery>/<hold|end-hold|go|abort>`, from this machine's own pages alone. */
export const createCanaryOrderRoute = ({ people, findModel, order, page, stylesheet }: Needs): Hono => {
  const refuse = (c: Context, status: 400 | 403 | 404 | 409 | 413, sentence: string, back: string) =>
    c.html(
      html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Nothing was changed · Slipway</title><link rel="stylesheet" href="${stylesheet}"></head><body><main class="wide"><h1>Nothing was changed</h1><p>${sentence}</p><p><a class="button" href="${back}">Back</a></p></main></body></html>`,
      status,
    );
  return new Hono()
    .use(`${canaryOrderPath}/*`, requireLocalHost)
    .use(`${canaryOrderPath}/*`, async (c, next) =>
      isOwnOrigin(c)
        ? next()
        : refuse(c, 403, "Another site sent this order: open the canary's page here and give it again.", "/"),
    )
    .use(
      `${canaryOrderPath}/*`,
      limitBody(20_000, (c) => refuse(c, 413, "The form is too long: shorten the reason.", "/")),
    )
    .post(`${canaryOrderPath}/:delivery/:order`, async (c) => {
      const delivery = c.req.param("delivery");
      const model = await findModel(delivery);
      const parsed = parseOrder(c.req.param("order"), await c.req.parseBody().catch(() => undefined));
      if (model === undefined || parsed === undefined)
        return refuse(c, 404, "There is no such canary or order.", "/");
      const back = page(model, delivery);
      if (typeof parsed === "string") return refuse(c, 400, parsed, back);
      const person = people.find(({ id }) => id === parsed.as);
      if (!person) return refuse(c, 400, "Choose in whose name you act.", back);
      const { request } = parsed;
      // Only the form that votes on an inconclusive step has this field.
      if (
        request.kind === "go" &&
        request.confirmation !== undefined &&
        !isConfirmed({ phrase: model, checks: [] }, request.confirmation)
      )
        return refuse(
          c,
          400,
          `The typed name is not ${model}: go back, and type ${model} to approve although checks are inconclusive.`,
          back,
        );
      const { taken, sentence } = await order(delivery, parsed.request, {
        user: person.id,
        name: person.name,
        via: "console",
      });
      return taken
        ? c.redirect(`${back}?ordered=${parsed.request.kind}`, 303)
        : refuse(c, 409, sentence, back);
    });
};
