import { Hono, type MiddlewareHandler } from "hono";
import { json, refuse } from "../http-answer.ts";
import { problem } from "../problem.ts";
import { CursorInvalid } from "./cursor-invalid.ts";
import type { PredictionReader } from "./records.ts";

const noRecords = problem("not-found", "This service keeps no records of its predictions.");

/** Records may hold a person's data: no cache on the way keeps them. */
const noStore: MiddlewareHandler = async (context, next) => {
  await next();
  context.header("cache-control", "no-store");
};

type Needs = {
  /** Absent where the service keeps no records: then there is nothing at these addresses. */
  readonly reader?: PredictionReader | undefined;
  /** Told why records could not be read; holds no inputs. */
  readonly log: (line: string) => void;
};

/** GET /v1/predictions/{id} and GET /v1/predictions?limit&cursor&label. Whatever goes wrong is a problem (RFC 9457). */
export const predictionsRoutes = ({ reader, log }: Needs): Hono => {
  const app = new Hono();
  app.use("/v1/predictions/*", noStore);

  /** Records are not the service: that they cannot be read says nothing of its predictions. */
  const whileReadable = async (work: () => Promise<Response>): Promise<Response> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof CursorInvalid) return refuse(problem("query-invalid", error.message));
      const reason = error instanceof Error ? `${error.name}: ${error.message.slice(0, 300)}` : typeof error;
      log(`records could not be read: ${reason}`);
      return refuse(problem("records-unavailable", "The records cannot be read at the moment."));
    }
  };

  app.get("/v1/predictions/:id", (context) => {
    if (reader === undefined) return refuse(noRecords);
    return whileReadable(async () => {
      const found = await reader.prediction(context.req.param("id"));
      return found
        ? json(found)
        : refuse(problem("prediction-not-found", "There is no record of this id, or its time is over."));
    });
  });

  app.get("/v1/predictions", async (context) => {
    if (reader === undefined) return refuse(noRecords);
    const { readPredictionsQuery } = await import("./predictions-query.ts");
    const read = readPredictionsQuery(context.req.query());
    if ("problem" in read) return refuse(read.problem);
    const { limit, cursor, label } = read.query;
    return whileReadable(async () =>
      json(
        await reader.list({
          limit,
          ...(cursor === undefined ? {} : { cursor }),
          ...(label === undefined ? {} : { label }),
        }),
      ),
    );
  });

  return app;
};
