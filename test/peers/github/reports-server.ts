import { createVerify } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import { z } from "zod";

/** The excerpt of GitHub's OpenAPI description that this server implements; nothing outside it is served. */
const Excerpt = z.object({
  operations: z.record(
    z.string(),
    z.object({
      method: z.string(),
      path: z.string(),
      query: z.record(z.string(), z.looseObject({})),
      body: z.looseObject({ properties: z.record(z.string(), z.unknown()) }).optional(),
      statuses: z.record(z.string(), z.looseObject({})),
    }),
  ),
});

type Response = {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** GitHub sends this status, and its description leaves it out. */
  readonly isUndescribed?: true;
};
type Fault =
  | number
  /** It has its effect, but nobody learns of it. */
  | "lost"
  /** No response at all. */
  | "silent"
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: object };
export type ShownDeployment = {
  readonly id: number;
  readonly sha: string;
  readonly task: string;
  readonly environment: string;
  readonly payload: unknown;
  readonly production_environment: boolean;
  readonly statuses: { id: number; state: string; description: string; log_url: string }[];
};
type Request = {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
};

const api = "https://api.github.com";
const at = "2026-11-29T12:00:00Z";
const errorBody = (message: string) => ({ message, documentation_url: "https://docs.github.com/rest" });

/**
 * A stub of GitHub's REST API for deployments, commit statuses and tokens of an app, of a repository example/models. It
 * checks each call (path, query, body, without keys that GitHub does not know) and each of its own responses against
 * GitHub's published OpenAPI description (reports-openapi.json).
 */
export const startGitHubReportsServer = async ({
  token,
  app,
  commits,
}: {
  readonly token: string;
  /** `permissions`: of the installation; absent: those that reports need. A test may change each of them. */
  readonly app?: {
    readonly id: string;
    readonly installation: string;
    publicKey: string;
    permissions?: Readonly<Record<string, "read" | "write">>;
    suspendedAt?: string;
    repositories?: readonly string[];
  };
  /** The commits that the repository has; a test may remove one. */
  readonly commits: readonly string[];
}) => {
  const { operations } = Excerpt.parse(
    JSON.parse(await readFile(new URL("reports-openapi.json", import.meta.url), "utf8")),
  );
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  const compiled = new Map<object, ValidateFunction>();
  const assertFollows = (schema: object, value: unknown, what: string): void => {
    const validate = compiled.get(schema) ?? ajv.compile(schema);
    compiled.set(schema, validate);
    if (!validate(value)) throw new Error(`${what}: ${ajv.errorsText(validate.errors)}`);
  };

  const deployments: ShownDeployment[] = [];
  const statuses: {
    sha: string;
    state: string;
    context: string;
    description: string | null;
    target_url: string | null;
  }[] = [];
  const tokens = new Map([[token, "token"]]);
  const calls: string[] = [];
  let ids = 100;
  const faults: Fault[] = [];
  /** The repository's former name, whose addresses lead to the present one. */
  const former: string[] = [];
  /** Headers of every response. */
  const headers: Record<string, string> = {};
  const permissions = (): Readonly<Record<string, string>> =>
    app?.permissions ?? { deployments: "write", statuses: "write", metadata: "read" };

  const describe = ({ statuses: _, ...deployment }: ShownDeployment) => ({
    ...deployment,
    url: `${api}/repos/example/models/deployments/${deployment.id}`,
    node_id: String(deployment.id),
    ref: deployment.sha,
    description: null,
    creator: null,
    created_at: at,
    updated_at: at,
    statuses_url: `${api}/statuses`,
    repository_url: `${api}/repos/example/models`,
  });
  /** GitHub sends an empty text where there is no address, which its own description does not allow. */
  const describeStatus = ({ log_url, ...status }: ShownDeployment["statuses"][number]) => ({
    ...status,
    ...(log_url === "" ? {} : { log_url }),
    url: `${api}/status`,
    node_id: String(status.id),
    creator: null,
    target_url: log_url === "" ? api : log_url,
    created_at: at,
    updated_at: at,
    deployment_url: `${api}/deployment`,
    repository_url: `${api}/repos/example/models`,
  });
  const describeCommitStatus = (status: (typeof statuses)[number], id: number) => ({
    url: `${api}/status`,
    avatar_url: null,
    id,
    node_id: String(id),
    state: status.state,
    context: status.context,
    description: status.description,
    target_url: status.target_url,
    created_at: at,
    updated_at: at,
    creator: null,
  });
  const describeAccount = (login: string) => {
    const page = `${api}/users/${login}`;
    return {
      login,
      id: 1,
      node_id: login,
      avatar_url: page,
      gravatar_id: "",
      url: page,
      html_url: page,
      followers_url: page,
      following_url: page,
      gists_url: page,
      starred_url: page,
      subscriptions_url: page,
      organizations_url: page,
      repos_url: page,
      events_url: page,
      received_events_url: page,
      type: "Organization",
      site_admin: false,
    };
  };
  const text140 = (value: unknown): string => {
    const description = typeof value === "string" ? value : "";
    // https://docs.github.com/en/rest/commits/statuses: not in the schema.
    if (description.length > 140) throw new Error("GitHub accepts 140 characters");
    return description;
  };

  const handlers: Readonly<Record<string, (request: Request) => Response>> = {
    "repos/list-deployments": ({ query }) => ({
      status: 200,
      body: deployments
        .filter((each) =>
          ["sha", "task", "environment"].every(
            (name) => !query.has(name) || query.get(name) === each[name as "sha"],
          ),
        )
        .toReversed()
        .slice(0, Number(query.get("per_page") ?? 30))
        .map(describe),
    }),
    "repos/create-deployment": ({ body }) => {
      const sha = String(body.ref);
      if (!commits.includes(sha)) return { status: 422, body: errorBody(`No ref found for: ${sha}`) };
      const deployment: ShownDeployment = {
        id: ++ids,
        sha,
        task: String(body.task ?? "deploy"),
        environment: String(body.environment ?? "production"),
        payload: body.payload ?? "",
        production_environment: body.production_environment === true,
        statuses: [],
      };
      deployments.push(deployment);
      return { status: 201, body: describe(deployment) };
    },
    "repos/list-deployment-statuses": ({ params }) => {
      const found = deployments.find(({ id }) => String(id) === params.deployment_id);
      return found
        ? { status: 200, body: found.statuses.toReversed().map(describeStatus) }
        : { status: 404, body: errorBody("Not Found") };
    },
    "repos/create-deployment-status": ({ params, body }) => {
      const found = deployments.find(({ id }) => String(id) === params.deployment_id);
      // The description names no status for an unknown deployment.
      if (!found) throw new Error(`there is no deployment ${params.deployment_id}`);
      const status = {
        id: ++ids,
        state: String(body.state),
        description: text140(body.description),
        log_url: String(body.log_url ?? ""),
      };
      found.statuses.push(status);
      return { status: 201, body: describeStatus(status) };
    },
    "repos/list-commit-statuses-for-ref": ({ params }) => ({
      status: 200,
      body: statuses
        .filter(({ sha }) => sha === params.ref)
        .map(describeCommitStatus)
        .toReversed(),
    }),
    "repos/create-commit-status": ({ params, body }) => {
      if (!commits.includes(params.sha ?? ""))
        return {
          status: 422,
          body: errorBody(`No commit found for SHA: ${params.sha}`),
          isUndescribed: true,
        };
      const status = {
        sha: params.sha ?? "",
        state: String(body.state),
        context: String(body.context ?? "default"),
        description: text140(body.description),
        target_url: typeof body.target_url === "string" ? body.target_url : null,
      };
      statuses.push(status);
      return { status: 201, body: describeCommitStatus(status, statuses.length) };
    },
    "apps/get-installation": ({ params }) => {
      if (!app || params.installation_id !== app.installation)
        return { status: 404, body: errorBody("Not Found") };
      const page = "https://github.com/settings/installations/8";
      return {
        status: 200,
        body: {
          id: Number(app.installation),
          app_id: 7,
          app_slug: "slipway",
          target_id: 1,
          target_type: "Organization",
          single_file_name: null,
          repository_selection: "selected",
          access_tokens_url: page,
          html_url: page,
          repositories_url: page,
          events: [],
          account: describeAccount("example"),
          permissions: permissions(),
          created_at: at,
          updated_at: at,
          suspended_by: null,
          suspended_at: app.suspendedAt ?? null,
        },
      };
    },
    "apps/create-installation-access-token": ({ params, body }) => {
      if (!app || params.installation_id !== app.installation)
        return { status: 404, body: errorBody("Not Found") };
      const wanted = z.record(z.string(), z.string()).parse(body.permissions ?? {});
      if (Object.entries(wanted).some(([name, access]) => permissions()[name] !== access))
        return {
          status: 422,
          body: errorBody("The permissions requested are not granted to this installation."),
        };
      const names = z.array(z.string()).parse(body.repositories ?? []);
      const visible = app.repositories ?? ["models"];
      if (names.some((name) => !visible.includes(name)))
        return {
          status: 422,
          body: errorBody(
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
          ),
        };
      const created = `ghs_${++ids}`;
      tokens.set(created, "installation");
      const expires_at = new Date(Date.parse(at) + 3_600_000).toISOString();
      return {
        status: 201,
        body: { token: created, expires_at, permissions: body.permissions, repository_selection: "selected" },
      };
    },
  };

  /** https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app */
  const isAppJwt = (jwt: string): boolean => {
    const [header = "", payload = "", signature = ""] = jwt.split(".");
    if (!app || signature === "") return false;
    const isSigned = createVerify("RSA-SHA256")
      .update(`${header}.${payload}`)
      .verify(app.publicKey, signature, "base64url");
    const { iat, exp, iss } = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const now = Date.parse(at) / 1_000;
    return isSigned && iss === app.id && iat <= now && exp > now && exp - iat <= 660;
  };

  const readParams = (template: string, path: string): Readonly<Record<string, string>> | undefined => {
    const [parts, given] = [template.split("/"), path.split("/")];
    if (parts.length !== given.length) return undefined;
    const params: Record<string, string> = {};
    for (const [index, part] of parts.entries()) {
      const value = decodeURIComponent(given[index] ?? "");
      if (part.startsWith("{")) params[part.slice(1, -1)] = value;
      else if (part !== value) return undefined;
    }
    return params;
  };

  const respond = async (request: IncomingMessage): Promise<Response> => {
    const { pathname, searchParams: query } = new URL(request.url ?? "/", api);
    const sent = await text(request);
    for (const [id, operation] of Object.entries(operations)) {
      const params = request.method === operation.method ? readParams(operation.path, pathname) : undefined;
      if (!params) continue;
      calls.push(id);
      if (params.owner !== undefined && former.includes(`${params.owner}/${params.repo}`)) {
        // https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects
        const rest = pathname.split("/").slice(4).join("/");
        const location = `http://${request.headers.host}/repos/example/models/${rest}${query.size > 0 ? `?${query}` : ""}`;
        return {
          status: request.method === "GET" ? 301 : 307,
          body: { ...errorBody("Moved Permanently"), url: location },
          headers: { location },
          isUndescribed: true,
        };
      }
      if (!request.headers["user-agent"]) throw new Error("GitHub requires a user agent");
      if (request.headers["x-github-api-version"] !== "2022-11-28") throw new Error("unknown version");
      const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
      const isAllowed = id.startsWith("apps/") ? isAppJwt(bearer) : tokens.has(bearer);
      if (!isAllowed) return { status: 401, body: errorBody("Bad credentials") };
      if (params.owner !== undefined && `${params.owner}/${params.repo}` !== "example/models")
        return { status: 404, body: errorBody("Not Found") };
      for (const name of query.keys())
        if (!(name in operation.query)) throw new Error(`${id} has no parameter ${name}`);
      const body = z.record(z.string(), z.unknown()).parse(sent === "" ? {} : JSON.parse(sent));
      if (operation.body) {
        assertFollows(operation.body, body, `the body of ${id}`);
        for (const name of Object.keys(body))
          if (!(name in operation.body.properties)) throw new Error(`${id} has no field ${name}`);
      } else if (sent !== "") throw new Error(`${id} has no body`);
      const response = handlers[id]?.({ params, query, body });
      if (!response) throw new Error(`${id} is not implemented`);
      if (response.isUndescribed) return response;
      const schema = operation.statuses[String(response.status)];
      // A repository that a token does not see is 404 for every operation, which the description leaves out.
      if (!schema) throw new Error(`${id} never responds with ${response.status}`);
      assertFollows(schema, response.body, `the response of ${id}`);
      return response;
    }
    throw new Error(`unknown call ${request.method} ${pathname}`);
  };

  const violations: string[] = [];
  const server = createServer(async (request, response) => {
    const fault = faults.shift();
    if (fault === "silent") {
      request.resume();
      return;
    }
    if (typeof fault === "number" || typeof fault === "object") {
      request.resume();
      const { status, headers: more = {}, body = {} } = typeof fault === "number" ? { status: fault } : fault;
      response.writeHead(status, { "content-type": "application/json", ...more }).end(JSON.stringify(body));
      return;
    }
    try {
      const { status, body, headers: more } = await respond(request);
      if (fault === "lost") response.destroy();
      else
        response
          .writeHead(status, { "content-type": "application/json", ...headers, ...more })
          .end(JSON.stringify(body));
    } catch (error) {
      // A call or a response that GitHub's description does not allow; no status of GitHub.
      violations.push(String(error));
      response.writeHead(418).end(String(error));
    }
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    deployments,
    statuses,
    calls,
    /** What was not as GitHub describes it. */
    violations,
    /** The next calls get these responses instead of theirs. */
    fail: (...next: Fault[]) => void faults.push(...next),
    /** The repository had this name before. */
    renameFrom: (name: string) => void former.push(name),
    headers,
    /** Ends every token of the app, as when it is suspended or installed anew. */
    revokeTokens: () => {
      for (const [value, kind] of tokens) if (kind === "installation") tokens.delete(value);
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
};
