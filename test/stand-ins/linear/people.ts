import { addComment, sessionsOf, stopSession } from './agent-sessions.ts';
import { assetPath } from './attachments.ts';
import { changeIssue, createIssue, findIssue, type IssueChanges, type IssueDraft } from './issues.ts';
import type { Comment, Issue, User } from './rows.ts';
import type { LinearDelivery } from './webhooks.ts';
import type { Workspace } from './workspace.ts';

/** What came of it: what was told, oldest first. */
export interface Deed {
  told: LinearDelivery[];
  /** The one of a kind ("AgentSessionEvent", "Issue"), as far as it says more with an action. Throws where there is none. */
  delivery(type: string, action?: string): LinearDelivery;
}

/** Somebody at work in Linear: a person, or another app. */
export interface Somebody {
  user: User;
  create(draft: Omit<IssueDraft, 'description'> & { description?: string }): Issue;
  change(issue: string, changes: IssueChanges): Deed;
  /** Gives an issue to the agent. */
  delegate(issue: string): Deed;
  undelegate(issue: string): Deed;
  /** A comment of its own, or an answer to another. */
  comment(issue: string, body: string, parent?: Comment): Deed & { comment: Comment };
  /** An answer in the latest session of the issue; a comment of its own where there is none. */
  say(issue: string, body: string): Deed & { comment: Comment };
  /** The button that stops the latest session. */
  stop(issue: string): Deed;
  /** A file, linked at the end of the description. */
  attachFile(issue: string, name: string, contentType: string, content: Uint8Array): Deed;
}

export function somebody(workspace: Workspace, user: User, baseUrl: string): Somebody {
  const { outbox } = workspace;

  function during<T>(work: () => T): Deed & { result: T } {
    const from = outbox.told.length;
    const result = work();
    const told = outbox.told.slice(from);
    return {
      told,
      result,
      delivery(type, action) {
        const found = told.find(
          ({ payload }) => payload.type === type && (action ?? payload.action) === payload.action,
        );
        if (found) return found;
        throw new Error(`Nothing of ${type} ${action ?? ''} was told: ${told.map(({ payload }) => payload.type)}`);
      },
    };
  }

  const change = (issue: string, changes: IssueChanges) =>
    during(() => changeIssue(workspace, findIssue(workspace, issue), changes, user));

  function say(name: string, body: string, parent?: Comment): Deed & { comment: Comment } {
    const issueId = findIssue(workspace, name).id;
    const deed = during(() => addComment(workspace, { issueId, body, parentId: parent?.id ?? null }, user));
    return { ...deed, comment: deed.result.comment };
  }

  return {
    user,
    create: (draft) => createIssue(workspace, draft, user),
    change,
    delegate: (issue) => change(issue, { delegateId: workspace.appUser.id }),
    undelegate: (issue) => change(issue, { delegateId: null }),
    comment: say,
    say(issue, body) {
      const session = sessionsOf(workspace, findIssue(workspace, issue).id).at(-1);
      return say(issue, body, session && workspace.get('Comment', session.commentId));
    },
    stop: (issue) =>
      during(() => {
        const session = sessionsOf(workspace, findIssue(workspace, issue).id).at(-1);
        if (!session) throw new Error(`There is no session on ${issue}.`);
        return stopSession(workspace, session, user);
      }),
    attachFile(issue, filename, contentType, content) {
      const asset = workspace.insert('Asset', { filename, contentType, content });
      const link = `${contentType.startsWith('image/') ? '!' : ''}[${filename}](${baseUrl}${assetPath(workspace, asset)})`;
      const description = [findIssue(workspace, issue).description, link].filter(Boolean).join('\n\n');
      return change(issue, { description });
    },
  };
}
