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
    `<title>${escape(issue.title)}</title>`,
    `<description>${escape(issue.description ?? '')}</description>`,
    `<team name="${escape(workspace.get('Team', issue.teamId).name)}"/>`,
    ...issue.labelIds.map((id) => `<label>${escape(tables.IssueLabel.get(id)?.name ?? '')}</label>`),
    parent && `<parent-issue identifier="${parent.identifier}"><title>${escape(parent.title)}</title></parent-issue>`,
    project && `<project name="${escape(project.name)}">${escape(project.description)}</project>`,
    '</issue>',
    ...[...threads].map(([root, thread]) => threadText(root === session.commentId, root, thread)),
  ]
    .filter(Boolean)
    .join('\n');

  function threadText(isPrimary: boolean, root: string, thread: Comment[]): string {
    const name = isPrimary ? 'primary-directive-thread' : 'other-thread';
    const lines = thread.map(({ userId, createdAt, body }) => {
      const author = (userId && tables.User.get(userId)?.name) || 'Linear';
      return `<comment author="${escape(author)}" created-at="${createdAt}">${escape(body)}</comment>`;
    });
    return `<${name} comment-id="${root}">\n${lines.join('\n')}\n</${name}>`;
  }
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
