/** RFC 6761 reserves `localhost` for this machine; 127.0.0.0/8 and ::1 are its own addresses. */
const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Splits a Host header into name and port; undefined if it is invalid. */
const parseHost = (host: string): { readonly name: string; readonly port: string } | undefined => {
  const [, name, port = ""] =
    /^(\[[0-9a-f:.]+\]|[^:[\]/@\s]+)(?::(\d{1,5}))?$/.exec(host.toLowerCase()) ?? [];
  return name === undefined ? undefined : { name: name.replace(/\.$/, ""), port };
};

/**
 * Whether a request's host is this server: a loopback name with any port, or a configured name. With DNS rebinding a page's
 * own name points at this machine after it has loaded. The browser then takes both for one origin, and only the Host header
 * reveals the attack.
 * @param host the Host header
 * @param names configured names, `models.example.com` (any port) or `models.example.com:8443`
 */
export const isOwnHost = (host: string | undefined, names: readonly string[] = []): boolean => {
  const requested = parseHost(host ?? "");
  if (!requested) return false;
  if (loopback.test(requested.name)) return true;
  return names.some((name) => {
    const configured = parseHost(name);
    return (
      configured !== undefined &&
      configured.name === requested.name &&
      (configured.port === "" || configured.port === requested.port)
    );
  });
};
