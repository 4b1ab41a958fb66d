import { isIPv4, isIPv6 } from 'node:net';

/** Where a service answers MCP, by the address that people know it by. Throws for what is no address of one. */
export function endpointOf(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw new Error(`${JSON.stringify(url)} is no address of a service; it begins with https:// or http://.`);
  if (parsed.username !== '' || parsed.password !== '')
    throw new Error('The address of the service has a user or password in it; leave them out.');
  const path = parsed.pathname.replace(/\/+$/, '');
  parsed.pathname = path.endsWith('/mcp') ? path : `${path}/mcp`;
  parsed.search = '';
  parsed.hash = '';
  return parsed;
}

/** The address that people know a service by. */
export function serviceOf(endpoint: URL): string {
  return endpoint.href.replace(/\/mcp$/, '');
}

/** Whether a token that is sent there can be read on the way: plain http, and not within a machine or a private network. */
export function isInTheOpen(url: string): boolean {
  const { protocol, hostname } = endpointOf(url);
  if (protocol === 'https:') return false;
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIPv4(host))
    return !/^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(
      host,
    );
  if (isIPv6(host)) return !/^(::1$|f[cd]|fe[89ab])/.test(host);
  return host.includes('.') && !/(^|\.)(localhost|local|internal|lan|home\.arpa|test)$/.test(host);
}
