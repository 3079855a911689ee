import { createFunctionHandler } from "#worlds/aws/step-handler.ts";

export const handler = createFunctionHandler("show-console", async () => undefined);
