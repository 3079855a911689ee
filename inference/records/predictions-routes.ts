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

const noRecordsProblem = createProblem("not-found", "This service does not record its predictions.");

/** The first of several parameters with the same name counts. */
const parseQuery = ({ query }: HttpRequest): Record<string, string> =>
  Object.fromEntries([...new URLSearchParams(query)].reverse());

type Dependencies = {
  /** Absent if the service keeps no records: then these paths respond 404. */
  readonly reader?: PredictionReader | undefined;
  /** Gets the reason if records cannot be read, without inputs. */
  readonly log: (line: string) => void;
};

/** GET /v1/predictions/{id} and GET /v1/predictions?limit&cursor&label. Every error is a problem (RFC 9457). */
export const predictionsRoutes = ({ reader, log }: Dependencies): readonly Route[] => {
  /** Converts a storage error to 503, because predictions still work without records. */
  const handleErrors = async (work: () => Promise<HttpResponse>): Promise<HttpResponse> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof CursorInvalid)
        return problemResponse(createProblem("query-invalid", error.message));
      const reason = error instanceof Error ? `${error.name}: ${error.message.slice(0, 300)}` : typeof error;
      log(`records could not be read: ${reason}`);
      return problemResponse(
        createProblem("records-unavailable", "The records cannot be read now: try again."),
      );
    }
  };
  const handleList = async (request: HttpRequest, records: PredictionReader): Promise<HttpResponse> => {
    const { parsePredictionsQuery } = await import("./parse-predictions-query.ts");
    const result = parsePredictionsQuery(parseQuery(request));
    if ("problem" in result) return problemResponse(result.problem);
    const { limit, cursor, label } = result.query;
    return handleErrors(async () =>
      jsonResponse(
        await records.list({
          limit,
          ...(cursor === undefined ? {} : { cursor }),
          ...(label === undefined ? {} : { label }),
        }),
      ),
    );
  };
  const handleOne = (id: string, records: PredictionReader): Promise<HttpResponse> =>
    handleErrors(async () => {
      const record = await records.prediction(id);
      return record
        ? jsonResponse(record)
        : problemResponse(
            createProblem(
              "prediction-not-found",
              "There is no record with this id, or it has expired. A record's id is that of the response, a dot and the row's number from 0 on.",
            ),
          );
    });
  /** Records may contain personal data, so no cache may store them. */
  const withoutCache =
    (
      respond: (reader: PredictionReader, ...args: Parameters<RouteHandler>) => Promise<HttpResponse>,
    ): RouteHandler =>
    async (...args) =>
      withHeaders(reader ? await respond(reader, ...args) : problemResponse(noRecordsProblem), {
        "cache-control": "no-store",
      });

  return [
    {
      method: "GET",
      path: "/v1/predictions/:id",
      respond: withoutCache((records, _, { id = "" }) => handleOne(id, records)),
    },
    {
      method: "GET",
      path: "/v1/predictions",
      respond: withoutCache((records, request) => handleList(request, records)),
    },
  ];
};
