import { z } from 'zod';
import { compileJql } from './jql.ts';
import { type Clause, parseJql } from './jql-parse.ts';
import { forbidden, Refusal } from './refusal.ts';
import { type Call, type Routes, route } from './rest.ts';
import type { User } from './rows.ts';
import type { Site } from './site.ts';
import type { Webhook } from './webhooks.ts';

const forMs = 30 * 86_400_000;
/** Of one app, user and site. */
const mostOfOne = 5;
const filterFields = ['issuekey', 'key', 'project', 'issuetype', 'status', 'priority', 'assignee', 'reporter'];
const dynamicEvents = [
  'jira:issue_created',
  'jira:issue_updated',
  'jira:issue_deleted',
  'comment_created',
  'comment_updated',
  'comment_deleted',
  'issue_property_set',
  'issue_property_deleted',
  'sprint_created',
  'sprint_updated',
  'sprint_closed',
  'sprint_deleted',
  'sprint_started',
  'jira:version_released',
  'jira:version_created',
];

function appOf({ token }: Pick<Call, 'token'>): { clientId: string; clientSecret: string; accountId: string } {
  if (token?.kind !== 'oauth' || !token.app) throw forbidden('The caller is not an app.');
  const { clientId, clientSecret } = token.app;
  return { clientId, clientSecret, accountId: token.user.accountId };
}

const ownOf = (call: Pick<Call, 'site' | 'token'>): Webhook[] => {
  const { clientId, accountId } = appOf(call);
  const now = call.site.clock.now();
  return call.site.webhooks.filter(
    ({ app, expiresAt }) => app?.clientId === clientId && app.accountId === accountId && (expiresAt ?? now) > now,
  );
};

/** Of JQL only so much is taken: some fields, and = != IN NOT IN. */
function wrongFilter(site: Site, jql: string, user: User): string | null {
  const terms: (Clause & { kind: 'term' })[] = [];
  const gather = (clause: Clause): void => {
    if (clause.kind === 'term') terms.push(clause);
    else if (clause.kind === 'not') gather(clause.part);
    else clause.parts.forEach(gather);
  };
  try {
    const { where } = parseJql(jql);
    if (where) gather(where);
    compileJql(site, jql, user);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.message;
  }
  for (const { field, operator } of terms) {
    if (!filterFields.includes(field.toLowerCase()) && !/^cf\[\d+\]$/.test(field))
      return `The clause ${field} is unsupported`;
    if (!['=', '!=', 'in', 'not in'].includes(operator)) return `The operator ${operator} is unsupported`;
  }
  return null;
}

/** From the vendor's guide "Webhooks": how an administrator makes one over REST. */
const adminWebhook = z.strictObject({
  name: z.string().min(1),
  url: z.url(),
  description: z.string().optional(),
  events: z.array(z.string()).min(1),
  filters: z.object({ 'issue-related-events-section': z.string().optional() }).optional(),
  excludeBody: z.boolean().optional(),
  secret: z.string().optional(),
});

/** One of an administrator's; `url` null: nobody listens, and what is told can still be seen. */
export function addWebhook(
  site: Site,
  wanted: Partial<Pick<Webhook, 'url' | 'events' | 'jqlFilter' | 'secret'>> = {},
): Webhook {
  const webhook: Webhook = {
    id: Number(site.nextId()),
    url: null,
    events: [
      'jira:issue_created',
      'jira:issue_updated',
      'jira:issue_deleted',
      'comment_created',
      'comment_updated',
      'comment_deleted',
    ],
    jqlFilter: '',
    fieldIdsFilter: [],
    secret: 'jira-webhook-secret',
    app: null,
    expiresAt: null,
    ...wanted,
  };
  site.webhooks.push(webhook);
  return webhook;
}

/** `/rest/webhooks/1.0/webhook`, which jira.js does not know. */
export function answerAdminWebhooks(
  site: Site,
  user: User,
  method: string,
  pathname: string,
  body: unknown,
): { status: number; body?: unknown } {
  if (!user.isAdmin) return { status: 403, body: { messages: [{ key: 'You do not have permission.' }] } };
  const id = /\/(\d+)$/.exec(pathname)?.[1];
  const described = ({ id: own, url, events, jqlFilter }: Webhook) => ({
    self: `${site.url}/rest/webhooks/1.0/webhook/${own}`,
    name: 'Webhook',
    url,
    events,
    filters: { 'issue-related-events-section': jqlFilter },
    enabled: true,
  });
  const admins = site.webhooks.filter(({ app }) => app === null);
  if (method === 'GET') return { status: 200, body: admins.map(described) };
  if (method === 'DELETE') {
    site.webhooks = site.webhooks.filter((webhook) => String(webhook.id) !== id);
    return { status: 204 };
  }
  const read = adminWebhook.safeParse(body);
  if (method !== 'POST' || !read.success) return { status: 400, body: { messages: [{ key: read.error?.message }] } };
  const { url, events, filters, secret = null } = read.data;
  const jqlFilter = filters?.['issue-related-events-section'] ?? '';
  // The secret is never shown again.
  return { status: 201, body: described(addWebhook(site, { url, events, jqlFilter, secret })) };
}

export const webhookRoutes: Routes = {
  'webhooks.registerDynamicWebhooks': route<'webhooks.registerDynamicWebhooks'>('webhook', (call) => {
    const { site, user, given } = call;
    const app = appOf(call);
    const results = given.webhooks.map(({ events, jqlFilter, fieldIdsFilter = [] }) => {
      const unknown = events.filter((event) => !dynamicEvents.includes(event));
      const errors = unknown.map((event) => `The event ${event} is not supported.`);
      const wrong = wrongFilter(site, jqlFilter, user);
      if (wrong !== null) errors.push(wrong);
      if (ownOf(call).length >= mostOfOne)
        errors.push(`The limit of ${mostOfOne} webhooks per app and user is reached.`);
      if (errors.length > 0) return { errors };
      const webhook = addWebhook(site, { url: given.url, events, jqlFilter, secret: null });
      Object.assign(webhook, { app, fieldIdsFilter, expiresAt: site.clock.now() + forMs });
      return { createdWebhookId: webhook.id };
    });
    return { body: { webhookRegistrationResult: results } };
  }),

  'webhooks.getDynamicWebhooksForApp': route<'webhooks.getDynamicWebhooksForApp'>('webhook', (call) => {
    const values = ownOf(call).map(({ id, url, events, jqlFilter, fieldIdsFilter, expiresAt }) => ({
      id,
      url: url ?? '',
      events,
      jqlFilter,
      fieldIdsFilter,
      expirationDate: expiresAt ?? 0,
    }));
    return { body: { startAt: 0, maxResults: 100, total: values.length, isLast: true, values } };
  }),

  'webhooks.refreshWebhooks': route<'webhooks.refreshWebhooks'>('webhook', (call) => {
    const expirationDate = call.site.clock.now() + forMs;
    for (const webhook of ownOf(call))
      if (call.given.webhookIds.includes(webhook.id)) webhook.expiresAt = expirationDate;
    return { body: { expirationDate } };
  }),

  'webhooks.deleteWebhookById': route<'webhooks.deleteWebhookById'>('webhook', (call) => {
    const own = ownOf(call).filter(({ id }) => call.given.webhookIds.includes(id));
    call.site.webhooks = call.site.webhooks.filter((webhook) => !own.includes(webhook));
    return { status: 202 };
  }),
};
