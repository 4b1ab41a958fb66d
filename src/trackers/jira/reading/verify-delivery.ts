import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { VendorError } from '../../../core/vendor-error.ts';
import { signatureMatches } from '../../../lib/signature.ts';

const idHeader = 'x-atlassian-webhook-identifier';
const signatureHeader = 'x-hub-signature';

/** Jira sends again for some thirty minutes, and for as long as five waits of fifteen at most. What is older anybody may have seen. */
const freshForMs = 90 * 60_000;
/** Jira's clock is not ours. */
const leewayMs = 60_000;

/** What deliveries are signed with; any will do, as there are several sites, and two while one is changed for another. */
export interface DeliverySecrets {
  /** Of webhooks that an administrator made: over the body. */
  webhooks: readonly string[];
  /** Of OAuth apps, for webhooks that we registered: over a token, which says nothing of the body and ends after minutes. */
  apps: readonly string[];
}

/** Throws `VendorError` `unauthorized`. The id is in a header that is not signed: the same again means the same once more. */
export function verifyDelivery(
  { webhooks, apps }: DeliverySecrets,
  headers: Record<string, string>,
  body: Uint8Array,
  now: number,
): { deliveryId: string; isLate: boolean; isBodySigned: boolean } {
  const [, method, given] = /^(\w+)=(.*)$/.exec(headers[signatureHeader]?.trim() ?? '') ?? [];
  const isSigned =
    method?.toLowerCase() === 'sha256' && webhooks.filter((secret) => signatureMatches(secret, body, given)).length > 0;
  const token = isSigned ? null : readToken(apps, headers.authorization ?? '');
  if (!isSigned && token === null)
    throw new VendorError(
      `The header ${signatureHeader} is missing or does not match the body and JIRA_WEBHOOK_SECRET, and there is no token of an app of ours. Set the same secret in Jira's webhook.`,
      { code: 'unauthorized', retryable: false },
    );
  const at = timestamp.safeParse(parse(body)).data?.timestamp ?? now;
  const isLate = now - at > freshForMs || (token !== null && token.exp * 1000 + leewayMs < now);
  const deliveryId = headers[idHeader]?.trim() || createHash('sha256').update(body).digest('hex');
  return { deliveryId, isLate, isBodySigned: isSigned };
}

const timestamp = z.object({ timestamp: z.number() });
const header = z.object({ alg: z.literal('HS256') });
const claims = z.object({ exp: z.number() });

/** The claims of a token that one of these has signed; null: none has. */
function readToken(secrets: readonly string[], authorization: string): z.output<typeof claims> | null {
  const [, head = '', body = '', signature = ''] =
    /^(?:Bearer|JWT) ([\w-]+)\.([\w-]+)\.([\w-]+)$/i.exec(authorization.trim()) ?? [];
  const given = Buffer.from(signature, 'base64url');
  const matches = secrets.filter((secret) => {
    if (secret === '') throw new Error('The secret of an app is empty: with an empty one anybody could sign.');
    const expected = createHmac('sha256', secret).update(`${head}.${body}`).digest();
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
  if (matches.length === 0 || !header.safeParse(decode(head)).success) return null;
  return claims.safeParse(decode(body)).data ?? null;
}

function decode(part: string): unknown {
  return parse(Buffer.from(part, 'base64url'));
}

export function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return null;
  }
}
