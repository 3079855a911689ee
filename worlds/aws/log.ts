import { Logger } from "@aws-lambda-powertools/logger";

/**
 * The functions' log: one JSON object a line, with the keys of the current event (step-handler.ts). Never log an Error:
 * Powertools writes all of its properties, which for HTTP clients may include the request with its token.
 */
export const log = new Logger({ serviceName: "slipway" });
