import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout } from "node:timers/promises";

const getPort = (address: ReturnType<ReturnType<typeof createServer>["address"]>): number => {
  if (typeof address === "object" && address) return address.port;
  throw new Error("the server does not listen");
};

/** The result of `work`, and how many sequential requests a server in this process handled meanwhile. */
export const countResponsesDuring = async <T>(
  work: () => Promise<T>,
): Promise<{ readonly answered: number; readonly value?: T; readonly error?: Error }> => {
  const server = createServer((_, response) => response.end("here")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${getPort(server.address())}/`;
  let over = false;
  const result = work()
    .then(
      (value) => ({ value }),
      (error: Error) => ({ error }),
    )
    .finally(() => {
      over = true;
    });
  let answered = 0;
  while (!over) {
    await (await fetch(url)).text();
    if (!over) answered++;
    // A pause between requests, so that they do not take the processor from `work`.
    await setTimeout(20);
  }
  server.closeAllConnections();
  server.close();
  return { answered, ...(await result) };
};
