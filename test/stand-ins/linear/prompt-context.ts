import type { AgentSession, Comment } from './rows.ts';
import type { Workspace } from './workspace.ts';

/** The text that Linear makes of an issue for an agent. */
export function promptContextOf(workspace: Workspace, session: AgentSession): string {
  const { tables } = workspace;
  const issue = workspace.get('Issue', session.issueId);
  const parent = issue.parentId && tables.Issue.get(issue.parentId);
  const project = issue.projectId && tables.Project.get(issue.projectId);
  const comments = [...tables.Comment.values()].filter(
    ({ issueId, isArtificialAgentSessionRoot }) => issueId === issue.id && !isArtificialAgentSessionRoot,
  );
  const threads = Map.groupBy(comments, ({ id, parentId }) => parentId ?? id);
  return [
    `<issue identifier="${issue.identifier}">`,
    `<title>${escaped(issue.title)}</title>`,
    `<description>${escaped(issue.description ?? '')}</description>`,
    `<team name="${escaped(workspace.get('Team', issue.teamId).name)}"/>`,
    ...issue.labelIds.map((id) => `<label>${escaped(tables.IssueLabel.get(id)?.name ?? '')}</label>`),
    parent && `<parent-issue identifier="${parent.identifier}"><title>${escaped(parent.title)}</title></parent-issue>`,
    project && `<project name="${escaped(project.name)}">${escaped(project.description)}</project>`,
    '</issue>',
    ...[...threads].map(([root, thread]) => threadText(root === session.commentId, root, thread)),
  ]
    .filter(Boolean)
    .join('\n');

  function threadText(isPrimary: boolean, root: string, thread: Comment[]): string {
    const name = isPrimary ? 'primary-directive-thread' : 'other-thread';
    const lines = thread.map(({ userId, createdAt, body }) => {
      const author = (userId && tables.User.get(userId)?.name) || 'Linear';
      const at = createdAt.slice(0, 19).replace('T', ' ');
      return `<comment author="${escaped(author)}" created-at="${at}">${mentioned(body)}</comment>`;
    });
    return `<${name} comment-id="${root}">\n${lines.join('\n')}\n</${name}>`;
  }

  function mentioned(body: string): string {
    const { id, displayName } = workspace.appUser;
    return escaped(body).replaceAll(`@${displayName}`, `<user id="${id}">${displayName}</user>`);
  }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
