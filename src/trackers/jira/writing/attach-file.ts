import type { TicketOperation } from '../../../core/effect.ts';
import { type Account, isOwn } from '../people.ts';
import type { Writing } from './comments.ts';

/**
 * A file of the issue. Jira gives it an id of its own, so it is looked for by its name first, which says what is in it; two
 * processes that attach it in the same moment, which the poster's lease prevents, would both do it.
 */
export async function attachFile(
  { memory, place, id, signal }: Writing,
  { name, mediaType, content }: TicketOperation & { kind: 'attachFile' },
): Promise<Record<string, unknown>> {
  if (!content) throw new Error(`the content of ${name} was not filled in`);
  const { site, issue } = place;
  const client = site.client.on(signal);
  const own = await site.own(signal);
  const { fields } = await client.issues.getIssue({ issueIdOrKey: issue, fields: ['attachment'] });
  const there = (
    (fields as { attachment?: { id?: string; filename?: string; author?: Account }[] }).attachment ?? []
  ).find(({ filename, author }) => filename === name && isOwn(author, own));
  if (there) return { id: there.id };
  await memory.pace(id, signal);
  const [added] = await client.issueAttachments.addAttachment({
    issueIdOrKey: issue,
    attachments: { filename: name, content: new Blob([new Uint8Array(content)], { type: mediaType }) },
  });
  return { id: added?.id };
}
