import {
  type ActivityInput,
  addActivity,
  addComment,
  ownSession,
  type SessionChanges,
  startSession,
  updateSession,
} from './agent-sessions.ts';
import { type AttachmentDraft, assetPath, attach } from './attachments.ts';
import { changeIssue, createIssue, findIssue, type IssueChanges, type IssueDraft, relate } from './issues.ts';
import { invalidInput } from './refusal.ts';
import type { Context, Resolvers } from './resolving.ts';
import { addLabel } from './workspace.ts';

interface Input<T> {
  input: T;
}
type Links = { externalUrls?: { label: string; url: string }[] | null };

let syncId = 0;

function done<T extends object>(what: T): T & { success: true; lastSyncId: number } {
  syncId += 1;
  return { success: true, lastSyncId: syncId, ...what };
}

export const mutations: Resolvers = {
  Mutation: {
    issueCreate: (_: unknown, { input }: Input<IssueDraft>, { workspace, viewer }: Context) =>
      done({ issue: createIssue(workspace, input, viewer) }),
    issueBatchCreate: (_: unknown, { input }: Input<{ issues: IssueDraft[] }>, { workspace, viewer }: Context) =>
      done({ issues: input.issues.map((draft) => createIssue(workspace, draft, viewer)) }),
    issueUpdate: (_: unknown, args: { id: string } & Input<IssueChanges>, { workspace, viewer }: Context) =>
      done({ issue: changeIssue(workspace, findIssue(workspace, args.id), args.input, viewer) }),
    issueAddLabel: (_: unknown, args: { id: string; labelId: string }, { workspace, viewer }: Context) =>
      done({ issue: changeIssue(workspace, findIssue(workspace, args.id), { addedLabelIds: [args.labelId] }, viewer) }),
    issueRemoveLabel: (_: unknown, args: { id: string; labelId: string }, { workspace, viewer }: Context) =>
      done({
        issue: changeIssue(workspace, findIssue(workspace, args.id), { removedLabelIds: [args.labelId] }, viewer),
      }),
    issueArchive: (_: unknown, { id }: { id: string }, { workspace, viewer }: Context) => {
      const archivedAt = workspace.clock.stamp();
      return done({ entity: changeIssue(workspace, findIssue(workspace, id), { archivedAt }, viewer) });
    },
    issueDelete: (_: unknown, { id }: { id: string }, { workspace, viewer }: Context) => {
      const changes = { trashed: true, archivedAt: workspace.clock.stamp() };
      return done({ entity: changeIssue(workspace, findIssue(workspace, id), changes, viewer) });
    },
    issueLabelCreate: (
      _: unknown,
      { input }: Input<{ id?: string | null; name: string; teamId?: string | null }>,
      { workspace }: Context,
    ) => {
      const teamId = input.teamId ? workspace.get('Team', input.teamId).id : null;
      if (!input.name.trim()) throw invalidInput('name should not be empty');
      const isTaken = [...workspace.tables.IssueLabel.values()].some(
        (label) =>
          (label.teamId === null || label.teamId === teamId) && label.name.toLowerCase() === input.name.toLowerCase(),
      );
      if (isTaken) throw invalidInput('Duplicate label name');
      return done({ issueLabel: addLabel(workspace, input.name, teamId, input.id) });
    },
    issueRelationCreate: (
      _: unknown,
      { input }: Input<{ id?: string | null; issueId: string; type: string; relatedIssueId: string }>,
      { workspace }: Context,
    ) => done({ issueRelation: relate(workspace, input.issueId, input.type, input.relatedIssueId, input.id) }),
    issueRelationDelete: (_: unknown, { id }: { id: string }, { workspace }: Context) => {
      workspace.get('IssueRelation', id);
      workspace.tables.IssueRelation.delete(id);
      return done({ entityId: id });
    },
    commentCreate: (
      _: unknown,
      { input }: Input<{ id?: string | null; issueId?: string; body?: string; parentId?: string | null }>,
      { workspace, viewer }: Context,
    ) => {
      const parent = input.parentId ? workspace.get('Comment', input.parentId) : null;
      const issueId = input.issueId ?? parent?.issueId;
      if (issueId === undefined) throw invalidInput('issueId or parentId must be given');
      const draft = { ...input, issueId: findIssue(workspace, issueId).id, body: input.body ?? '' };
      return done({ comment: addComment(workspace, draft, viewer).comment });
    },
    commentDelete: (_: unknown, { id }: { id: string }, { workspace }: Context) => {
      workspace.get('Comment', id);
      workspace.tables.Comment.delete(id);
      return done({ entityId: id });
    },
    agentActivityCreate: (_: unknown, { input }: Input<ActivityInput>, { workspace, viewer }: Context) =>
      done({ agentActivity: addActivity(workspace, input, viewer) }),
    agentSessionUpdate: (_: unknown, args: { id: string } & Input<SessionChanges>, { workspace, viewer }: Context) =>
      done({ agentSession: updateSession(workspace, args.id, args.input, viewer) }),
    agentSessionUpdateExternalUrl: (
      _: unknown,
      args: { id: string } & Input<SessionChanges>,
      { workspace, viewer }: Context,
    ) => done({ agentSession: updateSession(workspace, args.id, args.input, viewer) }),
    agentSessionCreateOnIssue: (
      _: unknown,
      { input }: Input<{ issueId: string } & Links>,
      { workspace, viewer }: Context,
    ) => {
      const session = startSession(workspace, findIssue(workspace, input.issueId), viewer, null);
      return done({ agentSession: withLinks(session.id, input, { workspace, viewer }) });
    },
    agentSessionCreateOnComment: (
      _: unknown,
      { input }: Input<{ commentId: string } & Links>,
      { workspace, viewer }: Context,
    ) => {
      const comment = workspace.get('Comment', input.commentId);
      const session = startSession(workspace, findIssue(workspace, comment.issueId), viewer, comment);
      return done({ agentSession: withLinks(session.id, input, { workspace, viewer }) });
    },
    attachmentCreate: (_: unknown, { input }: Input<AttachmentDraft>, { workspace, viewer }: Context) =>
      done({ attachment: attach(workspace, input, viewer) }),
    attachmentLinkURL: (_: unknown, args: AttachmentDraft, { workspace, viewer }: Context) =>
      done({ attachment: attach(workspace, args, viewer) }),
    attachmentLinkGitHubPR: (_: unknown, args: AttachmentDraft, { workspace, viewer }: Context) => {
      if (!/^https:\/\/[^/]+\/[^/]+\/[^/]+\/pull\/\d+/.test(args.url)) throw invalidInput('url must be a pull request');
      return done({ attachment: attach(workspace, args, viewer, 'github') });
    },
    attachmentLinkGitHubIssue: (_: unknown, args: AttachmentDraft, { workspace, viewer }: Context) =>
      done({ attachment: attach(workspace, args, viewer, 'github') }),
    attachmentUpdate: (
      _: unknown,
      args: { id: string } & Input<Pick<AttachmentDraft, 'title' | 'subtitle' | 'metadata'>>,
      { workspace }: Context,
    ) => {
      const attachment = workspace.get('Attachment', args.id);
      const { title, subtitle, metadata } = args.input;
      workspace.update(attachment, {
        title: title ?? attachment.title,
        subtitle: subtitle ?? null,
        metadata: metadata ?? attachment.metadata,
      });
      return done({ attachment });
    },
    attachmentDelete: (_: unknown, { id }: { id: string }, { workspace }: Context) => {
      workspace.get('Attachment', id);
      workspace.tables.Attachment.delete(id);
      return done({ entityId: id });
    },
    fileUpload: (
      _: unknown,
      args: { filename: string; contentType: string; size: number },
      { workspace, baseUrl }: Context,
    ) => {
      const { filename, contentType, size } = args;
      const asset = workspace.insert('Asset', { filename, contentType, content: null });
      const assetUrl = baseUrl + assetPath(workspace, asset);
      const headers = [{ key: 'x-upload-of', value: asset.id }];
      return done({ uploadFile: { filename, contentType, size, headers, assetUrl, uploadUrl: assetUrl } });
    },
  },
};

function withLinks(id: string, { externalUrls }: Links, { workspace, viewer }: Pick<Context, 'workspace' | 'viewer'>) {
  return externalUrls ? updateSession(workspace, id, { externalUrls }, viewer) : ownSession(workspace, id, viewer);
}
