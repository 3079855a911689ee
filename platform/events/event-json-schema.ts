import * as z from "zod";
import { SlipwayEvent } from "./events.ts";

/** The JSON Schema (draft 2020-12) of an event's detail, for subscribers: it allows new fields. */
export const createEventJsonSchema = (): z.core.JSONSchema.JSONSchema => ({
  ...z.toJSONSchema(SlipwayEvent, { io: "input", target: "draft-2020-12" }),
  title: "Slipway event",
  description: "The detail of an event on Slipway's bus: docs/events.md",
});
