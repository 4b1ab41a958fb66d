import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { BlockList, type LookupFunction } from 'node:net';

/** Of a host that is named without a port. */
const usualPorts = [80, 443];

/** Whether a host and port, as a request names them, are among those listed. */
export type IsAllowed = (host: string, port: number) => boolean;

/** Each is a `host` or `host:port`, by its exact name. Throws for anything else, a wildcard for one. */
export function allowOnly(hosts: readonly string[]): IsAllowed {
  const listed = hosts.flatMap((entry) => {
    const named = splitHost(entry);
    if (!named)
      throw new Error(`"${entry}" cannot be reached from a sandbox: expected host or host:port, by exact name.`);
    return (named.port === null ? usualPorts : [named.port]).map((port) => `${named.host}:${port}`);
  });
  return (host, port) => listed.includes(`${host}:${port}`);
}

/** In one spelling: lower case, ASCII, an address in its usual form (IPv6 in brackets), no dot at its end. */
export function splitHost(text: string): { host: string; port: number | null } | null {
  const [, name, digits] = /^(\[[\da-f:.]+\]|[^\s:/\\?#@[\]*%]+)(?::(\d{1,5}))?$/i.exec(text) ?? [];
  if (name === undefined || !URL.canParse(`http://${name}`)) return null;
  const host = new URL(`http://${name}`).hostname.replace(/\.$/, '');
  const port = digits === undefined ? null : Number(digits);
  return host === '' || port === 0 || (port ?? 0) > 65_535 ? null : { host, port };
}

/** Networks that are ours alone: this machine, its neighbours, and what a cloud tells its machines. */
const inner = new BlockList();
for (const [base, bits] of [
  ...([
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
  ] as const),
  ...([
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.168.0.0', 16],
    ['198.18.0.0', 15],
    ['224.0.0.0', 3],
  ] as const),
]) {
  inner.addSubnet(base, bits, 'ipv4');
  inner.addSubnet(`64:ff9b::${base}`, 96 + bits, 'ipv6');
}
for (const [base, bits] of [
  ...([
    ['::', 96],
    ['64:ff9b:1::', 48],
    ['2002::', 16],
    ['fc00::', 7],
    ['fe80::', 9],
    ['ff00::', 8],
  ] as const),
])
  inner.addSubnet(base, bits, 'ipv6');

/**
 * Looks up a name for a connection, whose addresses are then the very ones that were judged: a name that leads to an inner
 * address does not resolve. What is an address itself is never looked up, so an inner one can be listed.
 */
export const lookUpOuter: LookupFunction = (name, options, callback) => {
  const all = { ...(options as LookupOptions), all: true as const };
  lookup(name, all, (error, found: LookupAddress[] = []) => {
    const outer = found.filter(({ address, family }) => !inner.check(address, family === 6 ? 'ipv6' : 'ipv4'));
    const [first] = outer;
    if (first && options.all) callback(null, outer);
    else if (first) callback(null, first.address, first.family);
    else callback(error ?? new Error(`${name} leads to an address of an inner network`), []);
  });
};
