import { readDocument } from './field-input.ts';
import { issueFor } from './issue-routes.ts';
import { addComment, deleteComment, editComment } from './issues.ts';
import { bad, invalid, missing } from './refusal.ts';
import { type Call, type Routes, route } from './rest.ts';
import type { Comment, Issue, User } from './rows.ts';
import { describeComment, type Eye, seesComment } from './views.ts';

/** Like those of issues; kept by the comment, and read by operations of their own. */
const noComment = (id: string) => missing(`Can not find a comment for the id: ${id}.`);

function commentFor(
  { site, user, eye }: Pick<Call, 'site' | 'user' | 'eye'>,
  idOrKey: string,
  id: string,
): { issue: Issue; comment: Comment } {
  const issue = site.see(idOrKey, user);
  const comment = issue.comments.find((each) => each.id === id);
  if (!comment || !seesComment(eye, comment)) throw noComment(id);
  return { issue, comment };
}

function ownFor(
  call: Pick<Call, 'site' | 'user' | 'eye'>,
  idOrKey: string,
  id: string,
  own: 'EDIT_OWN_COMMENTS' | 'DELETE_OWN_COMMENTS',
): { issue: Issue; comment: Comment } {
  const { site, user } = call;
  const found = commentFor(call, idOrKey, id);
  const isOwn = found.comment.author === user && site.may(user, own, found.issue.project);
  const mayAll =
    own === 'EDIT_OWN_COMMENTS' && user.isAdmin && site.may(user, 'EDIT_ALL_COMMENTS', found.issue.project);
  if (!isOwn && !mayAll) throw bad('You do not have the permission to edit this comment.');
  return found;
}

function readVisibility(value: unknown, user: User): Comment['visibility'] {
  if (value === undefined || value === null) return null;
  const { type, value: name, identifier } = value as { type?: 'role' | 'group'; value?: string; identifier?: string };
  if ((type !== 'role' && type !== 'group') || name === undefined)
    throw invalid({ commentLevel: 'Invalid visibility.' });
  if (!user.roles.includes(name))
    throw invalid({
      commentLevel: `You are currently not a member of the ${type === 'role' ? 'project role' : 'group'}: ${name}.`,
    });
  return { type, value: name, ...(identifier !== undefined && { identifier }) };
}

/** Each holds 32,768 bytes. */
function readProperties(value: unknown): Comment['properties'] {
  const properties = (value ?? []) as Comment['properties'];
  const longest = Math.max(0, ...properties.map((each) => Buffer.byteLength(JSON.stringify(each.value))));
  if (longest > 32_768) throw bad('The property value is too long. It exceeds the allowed limit of 32,768 characters.');
  return properties;
}

/** With its properties where they are asked for. */
function described(eye: Eye, issue: Issue, comment: Comment, expand: unknown): Record<string, unknown> {
  const wanted = String(expand ?? '');
  return {
    ...describeComment(eye, issue, comment),
    ...(wanted.includes('properties') && { properties: comment.properties }),
    ...(wanted.includes('renderedBody') && { renderedBody: '' }),
  };
}

function findById({ site }: Pick<Call, 'site'>, id: string): { issue: Issue; comment: Comment } {
  for (const issue of site.issues.values()) {
    const comment = issue.comments.find((each) => each.id === id);
    if (comment) return { issue, comment };
  }
  throw noComment(id);
}

function setOf(call: Pick<Call, 'site' | 'user' | 'eye'>, id: string): { issue: Issue; comment: Comment } {
  const { issue, comment } = findById(call, id);
  return commentFor(call, issue.id, comment.id);
}

export const commentRoutes: Routes = {
  'issueComments.getComments': route<'issueComments.getComments'>('read', ({ site, eye, user, given }) => {
    const issue = site.see(given.issueIdOrKey, user);
    const { startAt = 0, maxResults = 5000, orderBy } = given;
    const shown = issue.comments.filter((comment) => seesComment(eye, comment));
    if (orderBy === '-created') shown.reverse();
    const size = Math.min(maxResults, 5000);
    const comments = shown
      .slice(Number(startAt), Number(startAt) + size)
      .map((comment) => described(eye, issue, comment, given.expand));
    return { body: { startAt: Number(startAt), maxResults: size, total: shown.length, comments } };
  }),

  'issueComments.getComment': route<'issueComments.getComment'>('read', (call) => {
    const { issue, comment } = commentFor(call, call.given.issueIdOrKey, call.given.id);
    return { body: described(call.eye, issue, comment, call.given.expand) };
  }),

  'issueComments.getCommentsByIds': route<'issueComments.getCommentsByIds'>('read', (call) => {
    const { site, eye, given } = call;
    const found = [...site.issues.values()]
      .filter(({ project }) => site.may(eye.user, 'BROWSE_PROJECTS', project))
      .flatMap((issue) => issue.comments.map((comment) => ({ issue, comment })))
      .filter(({ comment }) => given.ids.map(String).includes(comment.id) && seesComment(eye, comment));
    const values = found.map(({ issue, comment }) => described(eye, issue, comment, given.expand));
    return { body: { startAt: 0, maxResults: 1000, total: values.length, isLast: true, values } };
  }),

  'issueComments.addComment': route<'issueComments.addComment'>('write', (call) => {
    const { site, user, given } = call;
    const issue = issueFor(
      call,
      given.issueIdOrKey,
      'ADD_COMMENTS',
      'You do not have the permission to comment on this issue.',
    );
    const body = readDocument(given.body, 'comment', call.object);
    if (body.content.length === 0) throw invalid({ comment: 'Comment body can not be empty!' });
    const properties = readProperties(given.properties);
    const comment = addComment(
      site,
      issue,
      { body, visibility: readVisibility(given.visibility, user), properties },
      user,
    );
    return { status: 201, body: describeComment(call.eye, issue, comment) };
  }),

  'issueComments.updateComment': route<'issueComments.updateComment'>('write', (call) => {
    const { site, user, given } = call;
    const { issue } = ownFor(call, given.issueIdOrKey, given.id, 'EDIT_OWN_COMMENTS');
    const changed = given.body as { body?: unknown; visibility?: unknown; properties?: Comment['properties'] };
    const comment = editComment(
      site,
      issue,
      given.id,
      {
        ...(changed.body !== undefined && { body: readDocument(changed.body, 'comment', call.object) }),
        ...(changed.visibility !== undefined && { visibility: readVisibility(changed.visibility, user) }),
        ...(changed.properties !== undefined && { properties: readProperties(changed.properties) }),
      },
      user,
    );
    if (!comment) throw noComment(given.id);
    return { body: describeComment(call.eye, issue, comment) };
  }),

  'issueComments.deleteComment': route<'issueComments.deleteComment'>('write', (call) => {
    const { issue } = ownFor(call, call.given.issueIdOrKey, call.given.id, 'DELETE_OWN_COMMENTS');
    deleteComment(call.site, issue, call.given.id);
    return {};
  }),

  'issueCommentProperties.getCommentPropertyKeys': route<'issueCommentProperties.getCommentPropertyKeys'>(
    'read',
    (call) => {
      const { comment } = setOf(call, call.given.commentId);
      const self = (key: string) => `${call.eye.base}/rest/api/3/comment/${comment.id}/properties/${key}`;
      return { body: { keys: comment.properties.map(({ key }) => ({ key, self: self(key) })) } };
    },
  ),

  'issueCommentProperties.getCommentProperty': route<'issueCommentProperties.getCommentProperty'>('read', (call) => {
    const { comment } = setOf(call, call.given.commentId);
    const found = comment.properties.find(({ key }) => key === call.given.propertyKey);
    if (!found) throw missing(`The property with key '${call.given.propertyKey}' does not exist.`);
    return { body: found };
  }),

  'issueCommentProperties.setCommentProperty': route<'issueCommentProperties.setCommentProperty'>('write', (call) => {
    const { comment } = setOf(call, call.given.commentId);
    const { propertyKey: key } = call.given;
    const known = comment.properties.find((property) => property.key === key);
    const value = (call.given as { body?: unknown }).body;
    if (known) known.value = value;
    else comment.properties.push({ key, value });
    return { status: known ? 200 : 201, body: {} };
  }),
};
