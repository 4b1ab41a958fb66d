import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { send } from './faults.ts';
import { issueFor } from './issue-routes.ts';
import { addAttachment } from './issues.ts';
import type { Jira } from './jira.ts';
import { missing } from './refusal.ts';
import { type Call, type Routes, route } from './rest.ts';
import type { Attachment } from './rows.ts';
import type { Site } from './site.ts';
import { describeAttachment } from './views.ts';

/** Addresses at the media host, each with a key of its own; they end. */
const grants = new WeakMap<Jira, Map<string, { attachment: Attachment; expiresAt: number }>>();
const grantsOf = (jira: Jira) => {
  const known = grants.get(jira) ?? new Map<string, { attachment: Attachment; expiresAt: number }>();
  grants.set(jira, known);
  return known;
};
const forMs = 10 * 60_000;

function attachmentFor({ site, user }: Pick<Call, 'site' | 'user'>, id: string): Attachment {
  for (const issue of site.issues.values()) {
    const attachment = issue.attachments.find((each) => each.id === id);
    if (attachment && site.may(user, 'BROWSE_PROJECTS', issue.project)) return attachment;
  }
  throw missing(`The attachment with id '${id}' does not exist`);
}

function grant(jira: Jira, site: Site, attachment: Attachment): string {
  const token = randomUUID();
  grantsOf(jira).set(token, { attachment, expiresAt: jira.clock.now() + forMs });
  return `${site.mediaUrl}/file/${attachment.mediaId}/binary?token=${token}&dl=true`;
}

/** The host that the contents are kept at. It takes no credentials but the key in the address. */
export function answerMedia(jira: Jira, from: IncomingMessage, to: ServerResponse): void {
  const { pathname, searchParams } = new URL(from.url ?? '/', 'http://media');
  if (from.headers.authorization !== undefined) jira.violations.push('credentials of Jira were sent to the media host');
  const found = grantsOf(jira).get(searchParams.get('token') ?? '');
  if (!found || !pathname.includes(found.attachment.mediaId) || found.expiresAt < jira.clock.now())
    return void send(to, 403, { error: { code: 'JwtAuthoriser', title: 'the token is not valid' } });
  const { content, mimeType } = found.attachment;
  to.writeHead(200, { 'content-type': mimeType, 'content-length': content.length, 'cache-control': 'private' });
  to.end(from.method === 'HEAD' ? undefined : content);
}

export const attachmentRoutes: Routes = {
  'issueAttachments.addAttachment': route<'issueAttachments.addAttachment'>('write', (call) => {
    const { site, user, eye, files, given } = call;
    const issue = issueFor(
      call,
      given.issueIdOrKey,
      'CREATE_ATTACHMENTS',
      'You do not have permission to create attachments for this issue',
    );
    return { body: files.map((file) => describeAttachment(eye, addAttachment(site, issue, file, user))) };
  }),

  'issueAttachments.getAttachment': route<'issueAttachments.getAttachment'>('read', (call) => {
    const attachment = attachmentFor(call, call.given.id);
    // Here, and only here, the id is a number.
    return { body: { ...describeAttachment(call.eye, attachment), id: Number(attachment.id) } };
  }),

  'issueAttachments.getAttachmentContent': route<'issueAttachments.getAttachmentContent'>('read', (call) => {
    const attachment = attachmentFor(call, call.given.id);
    if (String(call.given.redirect) === 'false')
      return { body: attachment.content, headers: { 'content-type': attachment.mimeType } };
    return { status: 303, headers: { location: grant(call.jira, call.site, attachment) } };
  }),

  'issueAttachments.getAttachmentMeta': route<'issueAttachments.getAttachmentMeta'>('read', () => ({
    body: { enabled: true, uploadLimit: 1_073_741_824 },
  })),
};
