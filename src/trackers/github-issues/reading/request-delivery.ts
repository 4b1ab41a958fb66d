import { z } from 'zod';
import type { TrackerEvent } from '../../../core/delivery.ts';
import { changedByText } from '../../../lib/stored-files.ts';
import { mentionsAny } from '../../../vendors/github/mentions.ts';
import { conversationOf, hintOf, type RepositoryName } from '../hint.ts';
import { isOwn, personOf } from '../people.ts';
import { signalIn } from '../signal-in.ts';
import { categoryOf } from '../states.ts';
import { storeOf } from './attachments.ts';
import { account, authorship, changes, common, type DeliveryReader, time } from './payload.ts';
import { type Remark, remarkOfComment, remarkOfReview, remarkOnLine } from './remarks.ts';

const merged = { merged_at: time.nullish() };
const spoken = { id: z.number(), body: z.string().nullish(), user: account, ...authorship };
const whole = z.number().nullish();

const comment = z.object({ ...spoken, created_at: time, updated_at: time });
const onLine = comment.extend({
  path: z.string(),
  diff_hunk: z.string(),
  ...{ line: whole, original_line: whole, original_start_line: whole },
  ...{ side: z.string().nullish(), subject_type: z.string().nullish() },
});
const told = { action: z.string(), sender: account, changes };
const pull = { ...told, pull_request: z.object({ ...common, ...merged }) };

const inTalk = z.object({ ...told, issue: z.object({ ...common, pull_request: z.object(merged) }), comment });
const atLine = z.object({ ...pull, comment: onLine });
const inReview = z.object({ ...pull, review: z.object({ ...spoken, submitted_at: time }) });
const ofPull = z.object(pull);

interface Told {
  action: string;
  sender?: z.output<typeof account>;
  changes?: z.output<typeof changes>;
  request: z.output<typeof inTalk>['issue'];
  /** null: nobody said anything. */
  remark: Remark | null;
  /** When its words became what they are. */
  saidAt?: string;
}

const asIssue = ({ merged_at, ...request }: z.output<typeof ofPull>['pull_request']) => ({
  ...request,
  pull_request: { merged_at },
});

const readers: Record<string, (body: unknown) => Told | null> = {
  issue_comment(body) {
    const { data } = inTalk.safeParse(body);
    if (!data) return null;
    return { ...data, request: data.issue, remark: remarkOfComment(data.comment), saidAt: data.comment.updated_at };
  },
  pull_request_review_comment(body) {
    const { data } = atLine.safeParse(body);
    if (!data) return null;
    const { comment: line, pull_request: request } = data;
    return { ...data, request: asIssue(request), remark: remarkOnLine(line), saidAt: line.updated_at };
  },
  pull_request_review(body) {
    const { data } = inReview.safeParse(body);
    return data ? { ...data, request: asIssue(data.pull_request), remark: remarkOfReview(data.review) } : null;
  },
  pull_request(body) {
    const { data } = ofPull.safeParse(body);
    return data ? { ...data, request: asIssue(data.pull_request), remark: null } : null;
  },
};

/**
 * What people do on a pull request of others. Only who may write and calls the agent by its name speaks to it; all else is
 * talk among people. What is said on its own the code host tells of.
 */
export function readRequestEvents(
  reader: DeliveryReader,
  event: string,
  place: RepositoryName,
  body: unknown,
): TrackerEvent[] {
  const told = Object.hasOwn(readers, event) ? readers[event]?.(body) : null;
  if (!told || isOwn(told.request.user, reader.own, told.request)) return [];
  return told.remark ? readRemark(reader, place, told, told.remark) : readChange(reader, place, told);
}

function readRemark(
  { own, repositories }: DeliveryReader,
  place: RepositoryName,
  { action, sender, changes: before, request, saidAt = request.updated_at }: Told,
  remark: Remark,
): TrackerEvent[] {
  const author = personOf(remark.user, own, remark, repositories.byId(place.id)?.writers ?? null);
  if (author.isBot || author.isOutsider || !mentionsAny(remark.body, own.names)) return [];
  const isNew = action === 'created' || action === 'submitted';
  const isCalledNow =
    action === 'edited' && sender?.id === remark.user?.id && !mentionsAny(before?.body?.from ?? remark.body, own.names);
  if (!isNew && !isCalledNow) return [];
  const at = isNew ? remark.created_at : saidAt;
  const said = { key: remark.key, author, body: remark.words, signal: signalIn(remark.body, own.names), at };
  const ticket = hintOf(place, request);
  const conversation = conversationOf(ticket);
  if (said.signal !== null) return isNew ? [{ type: 'prompted', ticket, conversation, said }] : [];
  return [{ type: 'sessionCreated', at, ticket, conversation, said, by: author, category: categoryOf(request) }];
}

function readChange(
  { own, repositories, webUrl }: DeliveryReader,
  place: RepositoryName,
  { action, sender, changes: before, request }: Told,
): TrackerEvent[] {
  const by = personOf(sender, own, {}, repositories.byId(place.id)?.writers ?? null);
  const change = { type: 'ticketChanged', ticket: hintOf(place, request), category: categoryOf(request), by } as const;
  if (action === 'closed') return [{ ...change, at: request.closed_at ?? request.updated_at, changed: ['state'] }];
  if (action === 'reopened') return [{ ...change, at: request.updated_at, changed: ['state'] }];
  if (action !== 'edited') return [];
  const changed = [
    ...(before?.title ? (['title'] as const) : []),
    ...(before?.body ? changedByText(before.body.from ?? '', request.body ?? '', storeOf(webUrl)) : []),
  ];
  return changed.length > 0 ? [{ ...change, at: request.updated_at, changed }] : [];
}
