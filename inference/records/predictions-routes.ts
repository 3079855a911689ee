import { type HttpReply, json, refuse, withHeaders } from "#inference/http/http-reply.ts";
import type { HttpRequest } from "#inference/http/http-request.ts";
import { problem } from "#inference/http/problem.ts";
import type { Respond, Route } from "#inference/http/router.ts";
import { CursorInvalid } from "./cursor-invalid.ts";
import type { PredictionReader } from "./records.ts";

const noRecords = problem("not-found", "This service keeps no records of its predictions.");

/** Of a parameter that stands there more than once the first counts. */
const queryOf = ({ query }: HttpRequest): Record<string, string> =>
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
  const whileReadable = async (work: () => Promise<HttpReply>): Promise<HttpReply> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof CursorInvalid) return refuse(problem("query-invalid", error.message));
      const reason = error instanceof Error ? `${error.name}: ${error.message.slice(0, 300)}` : typeof error;
      log(`records could not be read: ${reason}`);
      return refuse(problem("records-unavailable", "The records cannot be read at the moment."));
    }
  };
  const list = async (request: HttpRequest, from: PredictionReader): Promise<HttpReply> => {
    const { readPredictionsQuery } = await import("./predictions-query.ts");
    const read = readPredictionsQuery(queryOf(request));
    if ("problem" in read) return refuse(read.problem);
    const { limit, cursor, label } = read.query;
    return whileReadable(async () =>
      json(
        await from.list({
          limit,
          ...(cursor === undefined ? {} : { cursor }),
          ...(label === undefined ? {} : { label }),
        }),
      ),
    );
  };
  const one = (id: string, from: PredictionReader): Promise<HttpReply> =>
    whileReadable(async () => {
      const found = await from.prediction(id);
      return found
        ? json(found)
        : refuse(problem("prediction-not-found", "There is no record of this id, or its time is over."));
    });
  /** Records may hold a person's data: no cache on the way keeps them. */
  const unkept =
    (respond: (reader: PredictionReader, ...given: Parameters<Respond>) => Promise<HttpReply>): Respond =>
    async (...given) =>
      withHeaders(reader ? await respond(reader, ...given) : refuse(noRecords), {
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
