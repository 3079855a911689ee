import * as z from "zod";

const StartedDeliveries = z.object({
  deliveries: z.array(z.object({ name: z.string(), model: z.string(), started: z.boolean() })),
});

/** The deliveries in a result, also in the body of an HTTP response: the log gets one line for each. */
export const listStartedDeliveries = (result: object) => {
  const body = "body" in result && typeof result.body === "string" ? result.body : "{}";
  const output = "deliveries" in result ? result : body.startsWith("{") ? JSON.parse(body) : {};
  const parsed = StartedDeliveries.safeParse(output);
  return (parsed.data?.deliveries ?? []).map(({ name, ...rest }) => ({ delivery: name, ...rest }));
};
