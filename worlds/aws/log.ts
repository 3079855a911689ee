import { Logger } from "@aws-lambda-powertools/logger";

/**
 * The functions' log: one JSON object a line, with the keys of the event under way (step-handler.ts). An Error never
 * goes in: Powertools writes out whatever hangs on it, which for HTTP clients may be the request with its token.
 */
export const log = new Logger({ serviceName: "slipway" });
