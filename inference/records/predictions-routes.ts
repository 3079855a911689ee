import { Hono, type MiddlewareHandler } from "hono";
import * as z from "zod";
import { json, refuse } from "../http-answer.ts";
import { type HttpProblem, problem } from "../problem.ts";
import { longestCursor } from "./list-position.ts";
import { CursorInvalid, type PredictionReader } from "./records.ts";

/** The query of `GET /v1/predictions`, as text. Other parameters are not looked at. */
export const PredictionsQuery = z.object({
  limit: z
    .string()
    .regex(/^\d{1,3}$/)
    .transform(Number)
    .pipe(z.int().min(1).max(100))
    .default(20)
    .describe("Records on a page, 1 to 100."),
  cursor: z.string().min(1).max(longestCursor).optional().describe("The cursor of the page before."),
  label: z.string().min(1).max(128).optional().describe("Only records that were answered with this label."),
});
export type PredictionsQuery = z.infer<typeof PredictionsQuery>;

const rules = {
  limit: "limit is a whole number from 1 to 100",
  cursor: "cursor is what the page before gave as its cursor",
  label: "label has 1 to 128 characters",
} as const;

const invalid = (error: z.ZodError): HttpProblem => {
  const broken = Object.entries(rules).flatMap(([name, rule]) =>
    error.issues.some(({ path }) => path[0] === name) ? [rule] : [],
  );
  return problem("query-invalid", `${broken.join("; ")}.`);
};

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

  app.get("/v1/predictions", (context) => {
    if (reader === undefined) return refuse(noRecords);
    const query = PredictionsQuery.safeParse(context.req.query());
    if (!query.success) return refuse(invalid(query.error));
    const { limit, cursor, label } = query.data;
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
