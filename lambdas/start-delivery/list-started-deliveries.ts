import * as z from "zod";

const StartedDeliveries = z.object({
  deliveries: z.array(z.object({ name: z.string(), model: z.string(), started: z.boolean() })),
});

/** The deliveries that an answer tells of, also within the body of one over HTTP: a line of the log for each. */
export const listStartedDeliveries = (answer: object) => {
  const body = "body" in answer && typeof answer.body === "string" ? answer.body : "{}";
  const told = "deliveries" in answer ? answer : body.startsWith("{") ? JSON.parse(body) : {};
  const read = StartedDeliveries.safeParse(told);
  return (read.data?.deliveries ?? []).map(({ name, ...one }) => ({ delivery: name, ...one }));
};
