import type { Check } from '../../core/check.ts';
import type { LinearClient } from './client.ts';
import type { LinearTokens, Workspace } from './connecting/tokens.ts';

export const checkDocument = `query CheckConnection {
  viewer { name app isAssignable isMentionable supportsAgentSessions }
  teams(first: 50) { nodes { key } pageInfo { hasNextPage } }
}`;

interface Answer {
  viewer: {
    name: string;
    app: boolean;
    isAssignable: boolean;
    isMentionable: boolean;
    supportsAgentSessions: boolean;
  };
  teams: { nodes: { key: string }[]; pageInfo: { hasNextPage: boolean } };
}

const withinMs = 30_000;
const connect = 'Run `shipmate connect linear`: it says what to set in Linear and here.';

/** Each workspace on a line of its own: whether it answers, as whom, and whether people can give the agent work there. */
export async function checkWorkspaces(deps: { client: LinearClient; tokens: LinearTokens }): Promise<Check[]> {
  const signal = AbortSignal.timeout(withinMs);
  const name = 'tracker linear';
  try {
    const workspaces = await deps.tokens.workspaces(signal);
    if (workspaces.length === 0)
      return [{ name, status: 'missing', message: 'no workspace is connected', remedy: connect }];
    return await Promise.all(workspaces.map((workspace) => checkWorkspace(deps.client, workspace, signal)));
  } catch (error) {
    return [{ name, status: 'missing', message: (error as Error).message, remedy: connect }];
  }
}

async function checkWorkspace(client: LinearClient, workspace: Workspace, signal: AbortSignal): Promise<Check> {
  const name = `tracker linear, workspace ${workspace.name}`;
  try {
    const { viewer, teams } = await client.request<Answer>(workspace.id, checkDocument, {}, signal);
    const keys = teams.nodes.map(({ key }) => key).join(', ') + (teams.pageInfo.hasNextPage ? ', ...' : '');
    const fault = faultOf(viewer, teams.nodes.length);
    if (fault) return { name, ...fault };
    return { name, status: 'ok', message: `connected as "${viewer.name}"; teams: ${keys}` };
  } catch (error) {
    return { name, status: 'missing', message: (error as Error).message, remedy: connect };
  }
}

function faultOf(viewer: Answer['viewer'], teams: number): Omit<Check, 'name'> | null {
  if (!viewer.app)
    return {
      status: 'missing',
      message: `the token is of "${viewer.name}", a person: issues cannot be delegated to it`,
      remedy: `Use a token of the app itself (actor=app). ${connect}`,
    };
  const scopes = [
    ...(viewer.isAssignable ? [] : ['app:assignable']),
    ...(viewer.isMentionable ? [] : ['app:mentionable']),
  ];
  if (scopes.length > 0)
    return {
      status: 'missing',
      message: `the app "${viewer.name}" lacks the scope ${scopes.join(' and ')}, so people cannot ${viewer.isAssignable ? 'mention it' : 'delegate issues to it'}`,
      remedy: `Authorize the app again with that scope. ${connect}`,
    };
  if (!viewer.supportsAgentSessions)
    return {
      status: 'missing',
      message: `the app "${viewer.name}" gets no agent sessions, so it hears of no work`,
      remedy: `Turn on "Agent session events" in the webhooks of the app, and authorize it again. ${connect}`,
    };
  if (teams === 0)
    return {
      status: 'missing',
      message: `the app "${viewer.name}" sees no team`,
      remedy: "Give it access to a team, in Linear's settings of the app.",
    };
  return null;
}
