/** The thread that steps run in, with the data folder's own registry. */
import { serveSteps } from "./serve-steps.ts";

await serveSteps();
