import { createSocket } from "node:dgram";

/** What the daemon requires before each document. */
const header = `{"format":"json","version":1}\n`;
/** A datagram's limit with its headers; a document may have 64 KB. */
const maxDatagramBytes = 65_000;

/** `host:port`, or both protocols by name: `tcp:host:port udp:host:port`. */
const parseUdpAddress = (text: string): { readonly host: string; readonly port: number } | undefined => {
  const address = text.split(" ").find((part) => !part.startsWith("tcp:"));
  const match = address?.match(/^(?:udp:)?(.+):(\d+)$/);
  return match?.[1] ? { host: match[1], port: Number(match[2]) } : undefined;
};

/**
 * Sends segment documents to the X-Ray daemon, which Lambda runs with a traced function. Waits until all are sent:
 * after the step's response its process is frozen.
 * https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-daemon
 */
export const sendXraySegments =
  (address: string) =>
  async (documents: readonly object[]): Promise<void> => {
    const to = parseUdpAddress(address);
    if (!to) throw new Error(`AWS_XRAY_DAEMON_ADDRESS is not an address: ${address}`);
    const datagrams = documents.map((document) => Buffer.from(`${header}${JSON.stringify(document)}`));
    const socket = createSocket("udp4");
    try {
      const sending = datagrams
        .filter(({ byteLength }) => byteLength <= maxDatagramBytes)
        .map(
          (datagram) =>
            new Promise<void>((resolve, reject) => {
              socket.send(datagram, to.port, to.host, (error) => (error ? reject(error) : resolve()));
            }),
        );
      await Promise.all(sending);
    } finally {
      socket.close();
    }
  };
