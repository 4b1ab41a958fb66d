import { z } from 'zod';
import type { TrackerEvent } from '../../../core/delivery.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import { signatureMatches } from '../../../lib/signature.ts';
import { readAgentSession, readElsewhere } from './agent-session-event.ts';
import { readComment, readIssue, readUnassigned } from './issue-event.ts';
import { envelope } from './payload.ts';
import type { IssueSeen } from './read-ticket.ts';

export const signatureHeader = 'linear-signature';
export const idHeader = 'linear-delivery';

const agentSessions = 'AgentSessionEvent';

/** A signed delivery that is older when it comes is not acted on: what it tells is looked up instead. */
const freshForMs = 60_000;

/** Our own account in each workspace, as far as it is known. */
export type AppUsers = ReadonlyMap<string, string>;

/**
 * Any of the secrets will do: while one is changed for another there are two. `isLate`: it was signed more than a minute
 * ago, as Linear's own retries may be. `isUrgent`: it is of an agent session, and Linear waits some seconds for an answer to
 * one. The id stands in a header that is not signed; a body that is sent again under another means the same once more, and
 * nothing comes of that.
 */
export function verifyDelivery(
  secrets: readonly string[],
  headers: Record<string, string>,
  body: Uint8Array,
  now: number,
): { deliveryId: string; isLate: boolean; isUrgent: boolean } {
  const given = headers[signatureHeader];
  // Each is tried, whichever fits, so that the time taken tells nothing.
  const matches = secrets.filter((secret) => signatureMatches(secret, body, given));
  if (matches.length === 0)
    throw new VendorError(`The header ${signatureHeader} is missing, or it does not match the body and our secret.`, {
      code: 'unauthorized',
      retryable: false,
    });
  const deliveryId = headers[idHeader]?.trim();
  if (!deliveryId)
    throw new VendorError(`The header ${idHeader} is missing: it tells one delivery from another.`, {
      code: 'invalid',
      retryable: false,
    });
  const { data } = envelope.safeParse(parse(body));
  const isLate = data !== undefined && now - data.webhookTimestamp > freshForMs;
  return { deliveryId, isLate, isUrgent: data?.type === agentSessions };
}

/** Never throws. */
export function readEvents(
  { agent, appUsers, apiUrl }: { agent: string; appUsers: AppUsers; apiUrl: string },
  bytes: Uint8Array,
): TrackerEvent[] {
  const body = parse(bytes);
  const { data } = envelope.safeParse(body);
  if (!data) return [];
  const appUser = appUsers.get(data.organizationId) ?? null;
  switch (data.type) {
    case agentSessions:
      return readAgentSession(agent, body);
    case 'Issue':
      return readIssue(appUser, apiUrl, body);
    case 'Comment':
      return readComment(agent, appUser, body);
    case 'AppUserNotification':
      return readUnassigned(body);
    default:
      return []; // PermissionChange and OAuthApp, too: they are about no ticket
  }
}

/** What it says to the agent where there is no issue. */
export function elsewhereIn(bytes: Uint8Array): ReturnType<typeof readElsewhere> {
  const body = parse(bytes);
  return envelope.safeParse(body).data?.type === agentSessions ? readElsewhere(body) : null;
}

/**
 * What a delivery says of its workspace, beside what it tells: which account is ours there, that what we see has changed, and
 * how an issue stands now.
 */
export function workspaceIn(
  bytes: Uint8Array,
): { workspace: string; appUser: string | null; isAccessChanged: boolean; issue: IssueSeen | null } | null {
  const { organizationId: workspace, appUserId, type, data } = (parse(bytes) ?? {}) as Record<string, unknown>;
  if (typeof workspace !== 'string') return null;
  const isAccessChanged = type === 'PermissionChange' || type === 'OAuthApp';
  const issue = type === 'Issue' ? issueSeen.safeParse(data).data : null;
  return {
    workspace,
    appUser: typeof appUserId === 'string' ? appUserId : null,
    isAccessChanged,
    issue: issue ?? null,
  };
}

const issueSeen = z
  .object({ id: z.string(), stateId: z.string(), teamId: z.string(), delegateId: z.string().nullish() })
  .transform(({ delegateId = null, ...issue }): IssueSeen => ({ ...issue, delegateId }));

/** What was read of a body; it is looked at more than once while a request is answered, and its sender waits. */
const parsed = new WeakMap<Uint8Array, { value: unknown }>();

function parse(body: Uint8Array): unknown {
  const known = parsed.get(body) ?? { value: parseAnew(body) };
  parsed.set(body, known);
  return known.value;
}

function parseAnew(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  } catch {
    return null;
  }
}
