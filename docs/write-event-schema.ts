/** Writes docs/event.schema.json from the events' zod schema: `node docs/write-event-schema.ts`. */
import { writeFileSync } from "node:fs";
import { createEventJsonSchema } from "#platform/events/event-json-schema.ts";

writeFileSync(
  new URL("event.schema.json", import.meta.url),
  `${JSON.stringify(createEventJsonSchema(), null, 2)}\n`,
);
