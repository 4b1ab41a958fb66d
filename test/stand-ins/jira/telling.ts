import { matchesJql } from './jql.ts';
import { Refusal } from './refusal.ts';
import type { Change, Comment, Issue, User } from './rows.ts';
import type { Site } from './site.ts';
import { describeComment, describeIssue, describeUser, type Eye, fieldsOf } from './views.ts';

/** A webhook tells of what its maker may see; Jira tells all in its own time zone. */
const eyeOf = (site: Site): Eye => ({ site, base: site.url, user: null });

const german: Record<string, string> = {
  assignee: 'Zugewiesene Person',
  summary: 'Zusammenfassung',
  description: 'Beschreibung',
  labels: 'Stichwörter',
  priority: 'Priorität',
  Attachment: 'Anhang',
  Link: 'Verknüpfung',
  issuetype: 'Vorgangstyp',
};

/** What histories and webhooks call a field: nobody but people should go by it. */
export const fieldName = (site: Site, name: string): string => (site.language === 'de' ? (german[name] ?? name) : name);

/** Tells those webhooks that listen for it. */
function tell(
  site: Site,
  event: string,
  about: { issue: Issue; fieldIds?: string[]; payload: Record<string, unknown> },
): void {
  for (const webhook of site.webhooks) {
    if (!webhook.events.includes(event)) continue;
    if (webhook.expiresAt !== null && webhook.expiresAt <= site.clock.now()) continue;
    if (event === 'jira:issue_updated' && webhook.fieldIdsFilter.length > 0)
      if (!about.fieldIds?.some((id) => webhook.fieldIdsFilter.includes(id))) continue;
    const maker = site.users.find(({ accountId }) => accountId === webhook.app?.accountId) ?? null;
    if (maker && !site.may(maker, 'BROWSE_PROJECTS', about.issue.project)) continue;
    if (webhook.jqlFilter !== '' && !fits(site, webhook.jqlFilter, about.issue, maker ?? anybody)) continue;
    site.outbox.tell(webhook, event, {
      timestamp: Date.parse(site.clock.stamp()), // after what it tells of
      webhookEvent: event,
      ...about.payload,
      ...(webhook.app && { matchedWebhookIds: [webhook.id] }),
    });
  }
}

/** A filter may speak of what has gone since: it fits nothing then. */
function fits(site: Site, jql: string, issue: Issue, user: User): boolean {
  try {
    return matchesJql(site, jql, issue, user);
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

const describeWhole = (site: Site, issue: Issue) =>
  describeIssue({ ...eyeOf(site), user: anybody }, issue, { fields: fieldsOf(site, issue.project), wiki: true });

/** Sees all; is nobody. */
const anybody: User = {
  accountId: '',
  displayName: '',
  emailAddress: '',
  accountType: 'app',
  active: true,
  isServiceAccount: false,
  isAdmin: true,
  roles: [],
  timeZone: 'Etc/UTC',
};

export function tellIssue(
  site: Site,
  event: 'jira:issue_created' | 'jira:issue_updated' | 'jira:issue_deleted',
  issue: Issue,
  by: User,
  also: { kind?: string; historyId?: string; items?: Change[]; comment?: Comment } = {},
): void {
  const eye = eyeOf(site);
  const { kind, historyId, items = [], comment } = also;
  tell(site, event, {
    issue,
    fieldIds: items.map(({ fieldId }) => fieldId),
    payload: {
      ...(kind !== undefined && { issue_event_type_name: kind }),
      user: describeUser(eye, by),
      issue: describeWhole(site, issue),
      ...(items.length > 0 && { changelog: { id: historyId, items } }),
      ...(comment && { comment: describeComment(eye, issue, comment, true) }),
    },
  });
}

export function tellComment(
  site: Site,
  event: 'comment_created' | 'comment_updated' | 'comment_deleted',
  issue: Issue,
  comment: Comment,
): void {
  const eye = eyeOf(site);
  // Of the issue only this much; and nobody is named as who did it but in the comment itself.
  const shown = ['summary', 'issuetype', 'project', 'assignee', 'priority', 'status'];
  const fields = site.fields.filter(({ id }) => shown.includes(id));
  tell(site, event, {
    issue,
    payload: {
      comment: describeComment(eye, issue, comment, true),
      issue: describeIssue({ ...eye, user: anybody }, issue, { fields, wiki: true }),
    },
  });
}

export function tellProperty(
  site: Site,
  event: 'issue_property_set' | 'issue_property_deleted',
  issue: Issue,
  by: User,
  key: string,
): void {
  const value = issue.properties.get(key) ?? null;
  const payload = { user: describeUser(eyeOf(site), by), issue: describeWhole(site, issue), property: { key, value } };
  tell(site, event, { issue, payload });
}
