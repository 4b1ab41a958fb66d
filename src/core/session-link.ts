import { signatureMatches, signBody } from '../lib/signature.ts';

/**
 * Where people look at a session. Having the address is all it takes, so its key cannot be guessed: it is the session's id
 * with an HMAC of it. The ticket's identifier before it is there to be read.
 */
export function sessionUrl(publicUrl: string, secret: string, session: { id: string; identifier: string }): string {
  const mac = signBody(secret, signed(session.id));
  const key = Buffer.from(session.id.replaceAll('-', '') + mac, 'hex').toString('base64url');
  return `${publicUrl.replace(/\/+$/, '')}/sessions/${encodeURIComponent(session.identifier)}/${key}`;
}

/**
 * Where people get to a pull request: its own address, if a browser opens that, else the session's page, which says where it
 * is; `page` is null where nobody has one. Each pull request has an address of its own there, too.
 */
export function requestUrl(url: string, number: number, page: string | null): string {
  return page === null || /^https?:\/\//i.test(url) ? url : `${page}#pull-request-${number}`;
}

/** The id of the session that a key opens; null: it was not made with this secret. Compared in constant time. */
export function sessionOfKey(secret: string, key: string): string | null {
  if (!/^[\w-]{64}$/.test(key)) return null;
  const hex = Buffer.from(key, 'base64url').toString('hex');
  const id = hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  return signatureMatches(secret, signed(id), hex.slice(32)) ? id : null;
}

/** Names what it is for: the same secret could sign other things about a session. */
function signed(id: string): Uint8Array {
  return Buffer.from(`session-page ${id}`);
}
