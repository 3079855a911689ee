import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { callLimitMs, type GitHubClient, gitHubConcurrency, gitHubMediaType } from "./github-client.ts";
import type { ReadObjectIds } from "./path-change-reader.ts";
import { ObjectsResponse } from "./response-schemas.ts";

/** The largest number of objects in one query. */
const objectsLimit = 200;
/** A query with at most this many objects is not split after a timeout. */
const minObjects = 25;
const timeoutStatuses = [502, 504];

/** Reads the ids of files and folders of many commits with few calls, through GraphQL. */
export const createObjectIdReader = ({ api, repository, sendRequest }: GitHubClient): ReadObjectIds => {
  /**
   * Expressions are `<commit>:<path>`, as for `git rev-parse`; `<commit>:` is the root, which every commit has.
   * Undefined: the server does not support queries, or not that many. https://docs.github.com/en/graphql
   */
  const queryObjectIds = async (expressions: readonly string[]): Promise<(string | null)[] | undefined> => {
    const [owner, name] = repository.split("/");
    const objects = expressions.map(
      (expression, index) => `o${index}: object(expression: ${JSON.stringify(expression)}) { oid }`,
    );
    const query = `query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { ${objects.join(" ")} } }`;
    const response = await sendRequest(
      `${api.replace(/\/v3$/, "")}/graphql`,
      { method: "POST", body: JSON.stringify({ query, variables: { owner, name } }) },
      { what: "a query", accept: gitHubMediaType, limitMs: callLimitMs, handledStatuses: timeoutStatuses },
    );
    // GitHub's timeout for long queries: a smaller one may succeed.
    if (timeoutStatuses.includes(response.status) && expressions.length > minObjects) {
      const half = Math.ceil(expressions.length / 2);
      const first = await queryObjectIds(expressions.slice(0, half));
      const second = first && (await queryObjectIds(expressions.slice(half)));
      return second && [...first, ...second];
    }
    const parsed = ObjectsResponse.safeParse(await response.json().catch(() => undefined));
    if (!response.ok || !parsed.success) return undefined;
    const { data } = parsed.data;
    const errors = parsed.data.errors ?? [];
    if (errors.some(({ type }) => type === "RATE_LIMITED"))
      throw new TemporaryFault("GitHub answered a query with RATE_LIMITED");
    const found = data?.repository;
    if (errors.length > 0 || !found) return undefined;
    const byName = new Map(Object.entries(found));
    return expressions.map((_, index) => byName.get(`o${index}`)?.oid ?? null);
  };

  return async (commits, paths) => {
    const objectIds = new Map<string, readonly (string | null)[]>();
    const objectsPerCommit = paths.length + 1;
    const batchSize = Math.max(1, Math.floor(objectsLimit / objectsPerCommit));
    const batches: (readonly string[])[] = [];
    for (let start = 0; start < commits.length; start += batchSize)
      batches.push(commits.slice(start, start + batchSize));
    for (let start = 0; start < batches.length; start += gitHubConcurrency) {
      const concurrent = batches.slice(start, start + gitHubConcurrency);
      const responses = await Promise.all(
        concurrent.map((batch) =>
          queryObjectIds(batch.flatMap((commit) => ["", ...paths].map((path) => `${commit}:${path}`))),
        ),
      );
      for (const [batchIndex, batch] of concurrent.entries())
        for (const [index, commit] of batch.entries()) {
          const offset = index * objectsPerCommit;
          // Without a root, the response does not prove that a path is missing.
          const [root, ...ids] = responses[batchIndex]?.slice(offset, offset + objectsPerCommit) ?? [];
          if (typeof root !== "string") return undefined;
          objectIds.set(commit, ids);
        }
    }
    return objectIds;
  };
};
