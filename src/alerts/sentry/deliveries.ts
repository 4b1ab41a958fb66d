import { z } from 'zod';
import type { AlertSignal } from '../../core/alert.ts';
import { VendorError } from '../../core/vendor-error.ts';
import { hashOf } from '../../lib/ids.ts';
import { signatureMatches } from '../../lib/signature.ts';
import type { SentryProject } from './settings.ts';

/** What was sent longer ago is no news, and may be a copy. */
const freshMs = 600_000;

/**
 * Whether Sentry sent it: `Sentry-Hook-Signature` is the hexadecimal HMAC-SHA256 of the body with the client secret of the
 * integration; the vendor's own sample signs what `JSON.stringify` makes of it. Nothing else is signed, so the id of a
 * delivery comes of what the body says alone: a copy under another `Request-ID`, or with other blanks, is the same.
 */
export function verifyDelivery(
  secrets: readonly string[],
  headers: Record<string, string>,
  body: Uint8Array,
  now: number,
): { deliveryId: string } {
  const refuse = (code: 'unauthorized' | 'invalid', message: string) =>
    new VendorError(message, { code, retryable: false });
  if (secrets.length === 0)
    throw refuse(
      'unauthorized',
      'SENTRY_WEBHOOK_SECRET is not set, so no webhook of Sentry can be told from a forged one.',
    );
  const given = headers['sentry-hook-signature'];
  const text = Buffer.from(body).toString('utf8');
  const payload = parse(text);
  const again = payload === undefined ? null : Buffer.from(JSON.stringify(payload));
  const isSigned = secrets
    .flatMap((secret) => [
      signatureMatches(secret, body, given),
      again !== null && signatureMatches(secret, again, given),
    ])
    .includes(true);
  if (!isSigned)
    throw refuse(
      'unauthorized',
      'The signature is not that of SENTRY_WEBHOOK_SECRET, the client secret of the integration.',
    );
  const stamp = Number(headers['sentry-hook-timestamp']);
  const sentAt = stamp > 1e11 ? stamp : stamp * 1_000; // in seconds; should it ever be in milliseconds, it is no less fresh
  if (!(Math.abs(now - sentAt) <= freshMs))
    throw refuse('unauthorized', 'It was sent too long ago, or the clock of this machine is wrong.');
  if (payload === undefined) throw refuse('invalid', 'The body is no JSON.');
  return { deliveryId: hashOf(payload) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const id = z
  .union([z.string(), z.number()])
  .transform(String)
  .pipe(z.string().regex(/^\d{1,20}$/));
const address = z.string().max(2_000);

const issueHook = z.object({
  action: z.string(),
  data: z.object({
    issue: z.object({
      id,
      url: address.nullish(),
      web_url: address.nullish(),
      project: z.object({ slug: z.string() }),
    }),
  }),
});
/** Where an event is of, its addresses say: it has its project's number only. */
const event = z.object({ issue_id: id, url: address });
const eventHook = z.object({ data: z.union([z.object({ event }), z.object({ error: event })]) });

const types: Record<string, AlertSignal['type']> = {
  created: 'told',
  unresolved: 'cameBack',
  resolved: 'resolved',
  archived: 'archived',
  ignored: 'archived',
};

/** Of a project that is not configured it is told of, too: the service says what became of it. */
export function readAlerts(
  projects: readonly SentryProject[],
  headers: Record<string, string>,
  body: Uint8Array,
): AlertSignal[] {
  const resource = headers['sentry-hook-resource'];
  const payload = parse(Buffer.from(body).toString('utf8'));
  if (resource === 'issue') {
    const { data: hook } = issueHook.safeParse(payload);
    const type = types[hook?.action ?? ''];
    if (!hook || !type) return [];
    const { issue } = hook.data;
    const organization = /\/organizations\/([\w-]{1,100})\//.exec(`${issue.url ?? ''} ${issue.web_url ?? ''}`)?.[1];
    return [{ type, project: nameOf(projects, organization, issue.project.slug), error: issue.id }];
  }
  if (resource !== 'event_alert' && resource !== 'error') return [];
  const { data: hook } = eventHook.safeParse(payload);
  const told = hook && ('event' in hook.data ? hook.data.event : hook.data.error);
  const [, organization, slug] = /\/projects\/([\w-]{1,100})\/([\w-]{1,100})\//.exec(told?.url ?? '') ?? [];
  if (!told || !slug) return [];
  return [{ type: 'told', project: nameOf(projects, organization, slug), error: told.issue_id }];
}

/** As it is configured, whatever the letter case. Without an organization the first of the slug is meant. */
function nameOf(projects: readonly SentryProject[], organization: string | undefined, slug: string): string {
  const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();
  const found = projects.find(
    (each) => same(each.slug, slug) && (organization === undefined || same(each.organization, organization)),
  );
  return found?.project ?? `${organization ?? '?'}/${slug}`;
}
