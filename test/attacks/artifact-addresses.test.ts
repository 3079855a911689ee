import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { type ArtifactRules, noArtifactAddresses } from "#platform/artifact-rules/artifact-rules.ts";
import { createHttpsReader } from "#platform/artifacts/https-reader.ts";
import { createGitHubLfs, refuseLfs } from "#platform/artifacts/lfs.ts";
import { openArtifacts } from "#platform/artifacts/open-artifacts.ts";
import { hashSha256 } from "#test/support/hash-sha256.ts";

/*
 * A data scientist may write any address into model.yaml, and the build reads it with its own rights: nothing but the
 * allowed hosts may be reached, at public addresses, within limits. Below, a server on this machine plays every host.
 */
const publicAddress = "93.184.215.14";
const model = Buffer.from("the onnx file");
const sha256 = hashSha256("the onnx file");

type Respond = (request: IncomingMessage, response: ServerResponse) => void;
const open: { stop: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const { stop } of open.splice(0)) await stop();
});

/** `addresses`: what DNS answers, one list after the other; the last one stays. */
const startHosts = async ({
  respond,
  addresses = [[publicAddress]],
  limits = { idleMs: 5_000, totalMs: 5_000 },
}: {
  readonly respond: Respond;
  readonly addresses?: readonly (readonly string[])[];
  readonly limits?: { readonly idleMs: number; readonly totalMs: number };
}) => {
  const server = createServer((request, response) => {
    response.on("error", () => undefined);
    respond(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("no port");
  open.push({
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  });
  const connected: string[] = [];
  let questions = 0;
  const https = createHttpsReader({
    resolve: async () => addresses[Math.min(questions++, addresses.length - 1)] ?? [],
    connect: (address, host) => {
      connected.push(`${host} ${address}`);
      return connect(bound.port, "127.0.0.1");
    },
    limits,
  });
  const artifacts = openArtifacts({
    https,
    s3: async () => {
      throw new Error("no bucket is read here");
    },
    lfs: refuseLfs("this host"),
  });
  const chunks: Buffer[] = [];
  const read = async (
    uri = "https://models.example.com/churn.onnx",
    rules: Partial<ArtifactRules> = {},
    reference: { readonly sha256?: string; readonly size?: number } = {},
  ) => {
    chunks.splice(0);
    const stream = artifacts.open(
      { kind: "address", uri, sha256, ...reference },
      { ...noArtifactAddresses, hosts: ["models.example.com"], ...rules },
    );
    for await (const chunk of stream) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks);
  };
  return { read, chunks, connected, https, questions: () => questions };
};

const sendModel: Respond = (_, response) => void response.end(model);

test("an allowed host at a public address is read, once resolved and at that very address", async () => {
  const { read, connected, questions } = await startHosts({
    respond: sendModel,
    addresses: [[publicAddress], ["127.0.0.1"]],
  });
  expect(await read()).toEqual(model);
  expect([connected, questions()]).toEqual([[`models.example.com ${publicAddress}`], 1]);
});

describe("where no connection may go", () => {
  test.each([
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%lo",
    "ff02::1",
    "2001::1",
    "2002:a9fe:a9fe::1",
    "2001:db8::1",
    "not an address",
  ])("a name with the address %s is refused", async (address) => {
    const { read, connected } = await startHosts({ respond: sendModel, addresses: [[address]] });
    await expect(read()).rejects.toMatchObject({ name: "ArtifactRefused" });
    expect(connected).toEqual([]);
  });

  test("a name with a public and a private address is refused", async () => {
    const { read, connected } = await startHosts({
      respond: sendModel,
      addresses: [[publicAddress, "10.0.0.1"]],
    });
    await expect(read()).rejects.toMatchObject({ name: "ArtifactRefused" });
    expect(connected).toEqual([]);
  });

  test.each([
    "https://other.example.com/churn.onnx",
    "https://models.example.com.evil.example/churn.onnx",
    "https://evil.example/models.example.com",
    "https://127.0.0.1/churn.onnx",
    "https://[::1]/churn.onnx",
  ])("%s is refused, because its host is not allowed", async (uri) => {
    const { read, connected, questions } = await startHosts({ respond: sendModel });
    await expect(read(uri)).rejects.toMatchObject({ name: "ArtifactRefused" });
    expect([connected, questions()]).toEqual([[], 0]);
  });

  test("an IP address is no host, even if a list allows it", async () => {
    const { read, connected } = await startHosts({ respond: sendModel });
    await expect(read("https://93.184.215.14/churn.onnx", { hosts: [publicAddress] })).rejects.toMatchObject({
      name: "ArtifactRefused",
    });
    expect(connected).toEqual([]);
  });

  test("a bucket or a file is refused where the lists do not name it", async () => {
    const { read } = await startHosts({ respond: sendModel });
    for (const uri of ["s3://other-team/churn.onnx", "file:models/churn/model.onnx"])
      await expect(read(uri, { buckets: ["our-models"] })).rejects.toMatchObject({ name: "ArtifactRefused" });
  });
});

describe("redirects", () => {
  test.each([
    "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::ffff:169.254.169.254]/",
    "http://models.example.com/churn.onnx",
    "https://models.example.com:8443/churn.onnx",
    "https://user@models.example.com/churn.onnx",
    "https://other.example.com/churn.onnx",
    "//other.example.com/churn.onnx",
    "file:///etc/passwd",
    "ftp://models.example.com/churn.onnx",
  ])("to %s is refused", async (location) => {
    const { read, connected } = await startHosts({
      respond: (_, response) => void response.writeHead(302, { location }).end(),
    });
    await expect(read()).rejects.toMatchObject({ name: "ArtifactRefused" });
    expect(connected).toHaveLength(1);
  });

  test("to an allowed name that meanwhile has the metadata service's address is refused", async () => {
    const { read, connected } = await startHosts({
      respond: (_, response) => void response.writeHead(307, { location: "/again" }).end(),
      addresses: [[publicAddress], ["169.254.169.254"]],
    });
    await expect(read()).rejects.toMatchObject({ name: "ArtifactRefused" });
    expect(connected).toHaveLength(1);
  });

  test("to another path of an allowed host is followed", async () => {
    const { read } = await startHosts({
      respond: (request, response) =>
        request.url === "/v2/churn.onnx"
          ? sendModel(request, response)
          : void response.writeHead(301, { location: "/v2/churn.onnx" }).end(),
    });
    expect(await read()).toEqual(model);
  });

  test("without end are not followed", async () => {
    const { read, connected } = await startHosts({
      respond: (_, response) => void response.writeHead(302, { location: "/churn.onnx" }).end(),
    });
    await expect(read()).rejects.toMatchObject({ name: "ArtifactRefused" });
    expect(connected).toHaveLength(6);
  });

  test.each([undefined, "", "https://", "http://["])("to %j are an error with a name", async (location) => {
    const { read } = await startHosts({
      respond: (_, response) => {
        if (location !== undefined) response.setHeader("location", location);
        response.writeHead(302).end();
      },
    });
    await expect(read()).rejects.toMatchObject({
      name: expect.stringMatching(/^Artifact(Refused|Unreachable)$/),
    });
  });
});

describe("limits", () => {
  test("a host that sends one byte after the other is not waited for", async () => {
    let stop: NodeJS.Timeout | undefined;
    const { read } = await startHosts({
      respond: (_, response) => {
        stop = setInterval(() => response.write("x"), 5);
      },
      limits: { idleMs: 5_000, totalMs: 200 },
    });
    await expect(read()).rejects.toMatchObject({ name: "ArtifactUnreachable" });
    clearInterval(stop);
  });

  test.each([
    ["never answers", (() => undefined) as Respond],
    ["answers and sends nothing", ((_, response) => void response.writeHead(200).flushHeaders()) as Respond],
  ])("a host that %s is not waited for", async (_, respond) => {
    const { read } = await startHosts({ respond, limits: { idleMs: 100, totalMs: 60_000 } });
    await expect(read()).rejects.toMatchObject({ name: "ArtifactUnreachable" });
  });

  test("a name server that never answers is not waited for", async () => {
    const https = createHttpsReader({
      resolve: () => new Promise(() => undefined),
      connect: () => {
        throw new Error("no address");
      },
      limits: { idleMs: 100, totalMs: 100 },
    });
    const read = https("https://models.example.com/a", { isAllowed: () => true });
    await expect(Array.fromAsync(read)).rejects.toMatchObject({ name: "ArtifactUnreachable" });
  });

  test("endless content without a length ends at the limit", async () => {
    const { read, chunks } = await startHosts({
      respond: (_, response) => {
        const send = (): void => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536)));
        };
        response.on("drain", send);
        send();
      },
    });
    await expect(read(undefined, { maxBytes: 1_000_000 })).rejects.toMatchObject({
      name: "ArtifactTooLarge",
    });
    expect(Buffer.concat(chunks).byteLength).toBeLessThanOrEqual(1_000_000);
  });

  test("a declared length above the limit is refused before the content is read", async () => {
    const { read, chunks } = await startHosts({
      respond: (_, response) => {
        response.writeHead(200, { "content-length": "3000000000" });
        response.write(model);
      },
    });
    await expect(read()).rejects.toMatchObject({ name: "ArtifactTooLarge" });
    expect(chunks).toEqual([]);
  });

  test.each(["gzip", "deflate", "br", "zstd", "identity, gzip"])(
    "content that is encoded as %s is never decompressed",
    async (encoding) => {
      const { read, chunks } = await startHosts({
        respond: (request, response) => {
          expect(request.headers["accept-encoding"]).toBe("identity");
          response.writeHead(200, { "content-encoding": encoding }).end(gzipSync(Buffer.alloc(1_000_000)));
        },
      });
      await expect(read()).rejects.toMatchObject({ name: "ArtifactRefused" });
      expect(chunks).toEqual([]);
    },
  );
});

describe("content", () => {
  const changed = Buffer.from("the onnx fil3");
  test("with another hash never reaches its reader as a whole", async () => {
    const { read, chunks } = await startHosts({ respond: (_, response) => void response.end(changed) });
    await expect(read()).rejects.toMatchObject({ name: "ArtifactDiffers" });
    expect(Buffer.concat(chunks).byteLength).toBeLessThan(changed.byteLength);
  });

  test.each([
    ["shorter", model.byteLength + 1],
    ["longer", model.byteLength - 1],
  ])("that is %s than the commit says is refused", async (_, size) => {
    const { read } = await startHosts({ respond: sendModel });
    await expect(read(undefined, {}, { size })).rejects.toMatchObject({ name: "ArtifactDiffers" });
  });

  test("that is cut off is no content", async () => {
    const { read } = await startHosts({
      respond: (_, response) => {
        response.writeHead(200, { "content-length": String(model.byteLength) });
        response.write(model.subarray(0, 5), () => response.destroy());
      },
    });
    await expect(read()).rejects.toMatchObject({ name: "ArtifactUnreachable" });
  });

  test.each([
    [404, "ArtifactMissing"],
    [403, "ArtifactMissing"],
    [206, "ArtifactMissing"],
    [500, "ArtifactUnreachable"],
    [503, "ArtifactUnreachable"],
    [429, "ArtifactUnreachable"],
  ])("with status %i is %s", async (status, name) => {
    const { read } = await startHosts({
      respond: (_, response) => void response.writeHead(status).end(model),
    });
    await expect(read()).rejects.toMatchObject({ name });
  });
});

describe("Git LFS on GitHub", () => {
  const pointer = { kind: "lfs", file: "model.onnx", sha256, size: model.byteLength } as const;
  const setUp = async (
    answer: (batch: { url: string; headers: Headers; body: unknown }) => { status?: number; json: unknown },
    respond: Respond = sendModel,
    addresses: readonly (readonly string[])[] = [[publicAddress]],
  ) => {
    const hosts = await startHosts({ respond, addresses });
    const artifacts = openArtifacts({
      https: hosts.https,
      s3: async () => {
        throw new Error("no bucket is read here");
      },
      lfs: createGitHubLfs({
        repository: "example/models",
        token: async () => "ghs_secret",
        https: hosts.https,
        fetch: async (url, init) => {
          const { status = 200, json } = answer({
            url: String(url),
            headers: new Headers(init?.headers),
            body: JSON.parse(String(init?.body)),
          });
          return Response.json(json, { status });
        },
      }),
    });
    const read = async () =>
      Buffer.concat(await Array.fromAsync(artifacts.open(pointer, noArtifactAddresses)));
    return { ...hosts, read };
  };
  const href = "https://objects.githubusercontent.com/a?signature=1";
  const found = (download: object) => ({ json: { objects: [{ oid: sha256, actions: { download } }] } });

  test("an object is asked of the repository and read where GitHub says, without GitHub's token", async () => {
    const seen: (string | undefined)[] = [];
    const { read, connected } = await setUp(
      ({ url, headers, body }) => {
        expect(url).toBe("https://github.com/example/models.git/info/lfs/objects/batch");
        expect(headers.get("authorization")).toBe(
          `Basic ${Buffer.from("x-access-token:ghs_secret").toString("base64")}`,
        );
        expect(body).toEqual({
          operation: "download",
          transfers: ["basic"],
          objects: [{ oid: sha256, size: model.byteLength }],
        });
        return found({ href, header: { authorization: "RemoteAuth 1" } });
      },
      (request, response) => {
        seen.push(request.headers.authorization);
        if (request.url === "/b") return sendModel(request, response);
        response.writeHead(302, { location: "https://cdn.example.com/b" }).end();
      },
    );
    expect(await read()).toEqual(model);
    expect(seen).toEqual(["RemoteAuth 1", undefined]);
    expect(connected).toEqual([
      `objects.githubusercontent.com ${publicAddress}`,
      `cdn.example.com ${publicAddress}`,
    ]);
  });

  test.each([
    ["http://objects.githubusercontent.com/a", [publicAddress]],
    ["https://169.254.169.254/latest/meta-data/", [publicAddress]],
    ["https://internal.example.com/a", ["10.0.0.1"]],
    ["file:///etc/passwd", [publicAddress]],
  ])("an address %s in its answer is refused", async (address, addresses) => {
    const { read, connected } = await setUp(() => found({ href: address }), sendModel, [addresses]);
    await expect(read()).rejects.toMatchObject({ name: "ArtifactRefused" });
    expect(connected).toEqual([]);
  });

  test.each([
    [
      { json: { objects: [{ oid: sha256, error: { code: 404, message: "Object does not exist" } }] } },
      "ArtifactMissing",
    ],
    [{ json: { objects: [{ oid: sha256 }] } }, "ArtifactMissing"],
    [
      { json: { objects: [{ oid: "0".repeat(64), actions: { download: { href } } }] } },
      "ArtifactUnreachable",
    ],
    [{ json: { objects: [] } }, "ArtifactUnreachable"],
    [{ json: "<html>" }, "ArtifactUnreachable"],
    [{ status: 503, json: {} }, "ArtifactUnreachable"],
    [{ status: 401, json: { message: "Bad credentials" } }, "GitHubRefused"],
    [{ status: 404, json: { message: "Not Found" } }, "GitHubRefused"],
    [found({ href: "no address" }), "ArtifactUnreachable"],
  ])("the answer %j is %s", async (answer, name) => {
    const { read } = await setUp(() => answer);
    await expect(read()).rejects.toMatchObject({ name });
  });

  test("another host says that it has no Git LFS, and what to do", async () => {
    const { https } = await startHosts({ respond: sendModel });
    const artifacts = openArtifacts({
      https,
      s3: async () => {
        throw new Error("no bucket is read here");
      },
      lfs: refuseLfs("CodeCommit"),
    });
    await expect(Array.fromAsync(artifacts.open(pointer, noArtifactAddresses))).rejects.toMatchObject({
      name: "LfsUnavailable",
      message: expect.stringContaining("CodeCommit has no Git LFS"),
    });
  });

  test("a pointer to more bytes than the policy allows is refused before GitHub is asked", async () => {
    let asked = false;
    const { https } = await startHosts({ respond: sendModel });
    const artifacts = openArtifacts({
      https,
      s3: async () => {
        throw new Error("no bucket is read here");
      },
      lfs: async function* () {
        asked = true;
        yield model;
      },
    });
    const read = artifacts.open(pointer, { ...noArtifactAddresses, maxBytes: 5 });
    await expect(Array.fromAsync(read)).rejects.toMatchObject({ name: "ArtifactTooLarge" });
    expect(asked).toBe(false);
  });
});
