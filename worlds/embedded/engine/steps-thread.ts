/** The thread that runs the steps, with the data folder's own registry. */
import { serveSteps } from "./serve-steps.ts";

await serveSteps();
