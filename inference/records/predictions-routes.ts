import { createProblem } from "#inference/http/create-problem.ts";
import type { HttpRequest } from "#inference/http/http-request.ts";
import {
  type HttpResponse,
  jsonResponse,
  problemResponse,
  withHeaders,
} from "#inference/http/http-response.ts";
import type { Route, RouteHandler } from "#inference/http/router.ts";
import { CursorInvalid } from "./cursor-invalid.ts";
import type { PredictionReader } from "./records.ts";

const noRecordsProblem = createProblem("not-found", "This service keeps no records of its predictions.");

/** Of a parameter that stands there more than once the first counts. */
const parseQuery = ({ query }: HttpRequest): Record<string, string> =>
  Object.fromEntries([...new URLSearchParams(query)].reverse());

type Needs = {
  /** Absent where the service keeps no records: then there is nothing at these addresses. */
  readonly reader?: PredictionReader | undefined;
  /** Told why records could not be read; holds no inputs. */
  readonly log: (line: string) => void;
};

/** GET /v1/predictions/{id} and GET /v1/predictions?limit&cursor&label. Whatever goes wrong is a problem (RFC 9457). */
export const predictionsRoutes = ({ reader, log }: Needs): readonly Route[] => {
  /** Records are not the service: that they cannot be read says nothing of its predictions. */
  const whileReadable = async (work: () => Promise<HttpResponse>): Promise<HttpResponse> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof CursorInvalid)
        return problemResponse(createProblem("query-invalid", error.message));
      const reason = error instanceof Error ? `${error.name}: ${error.message.slice(0, 300)}` : typeof error;
      log(`records could not be read: ${reason}`);
      return problemResponse(
        createProblem("records-unavailable", "The records cannot be read at the moment."),
      );
    }
  };
  const list = async (request: HttpRequest, from: PredictionReader): Promise<HttpResponse> => {
    const { readPredictionsQuery } = await import("./predictions-query.ts");
    const read = readPredictionsQuery(parseQuery(request));
    if ("problem" in read) return problemResponse(read.problem);
    const { limit, cursor, label } = read.query;
    return whileReadable(async () =>
      jsonResponse(
        await from.list({
          limit,
          ...(cursor === undefined ? {} : { cursor }),
          ...(label === undefined ? {} : { label }),
        }),
      ),
    );
  };
  const one = (id: string, from: PredictionReader): Promise<HttpResponse> =>
    whileReadable(async () => {
      const found = await from.prediction(id);
      return found
        ? jsonResponse(found)
        : problemResponse(
            createProblem("prediction-not-found", "There is no record of this id, or its time is over."),
          );
    });
  /** Records may hold a person's data: no cache on the way keeps them. */
  const unkept =
    (
      respond: (reader: PredictionReader, ...given: Parameters<RouteHandler>) => Promise<HttpResponse>,
    ): RouteHandler =>
    async (...given) =>
      withHeaders(reader ? await respond(reader, ...given) : problemResponse(noRecordsProblem), {
        "cache-control": "no-store",
      });

  return [
    {
      method: "GET",
      path: "/v1/predictions/:id",
      respond: unkept((from, _, { id = "" }) => one(id, from)),
    },
    { method: "GET", path: "/v1/predictions", respond: unkept((from, request) => list(request, from)) },
  ];
};
