/** RFC 6761 keeps `localhost` for this machine; 127.0.0.0/8 and ::1 are its own addresses. */
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** A Host header's name and port; undefined where it is none. */
const parseHost = (host: string): { readonly name: string; readonly port: string } | undefined => {
  const [, name, port = ""] =
    /^(\[[0-9a-f:.]+\]|[^:[\]/@\s]+)(?::(\d{1,5}))?$/.exec(host.toLowerCase()) ?? [];
  return name === undefined ? undefined : { name: name.replace(/\.$/, ""), port };
};

/**
 * Whether a request names this server as its host: a loopback name with any port, or a configured name. A page whose
 * own name was pointed at this machine after it had loaded (DNS rebinding) is of this server's origin for the browser,
 * and only its Host header tells it apart.
 * @param host the Host header
 * @param names configured names, `models.example.com` (any port) or `models.example.com:8443`
 */
export const isOwnHost = (host: string | undefined, names: readonly string[] = []): boolean => {
  const asked = parseHost(host ?? "");
  if (!asked) return false;
  if (loopback.test(asked.name)) return true;
  return names.some((given) => {
    const configured = parseHost(given);
    return (
      configured !== undefined &&
      configured.name === asked.name &&
      (configured.port === "" || configured.port === asked.port)
    );
  });
};
