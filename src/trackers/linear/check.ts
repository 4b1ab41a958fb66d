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

/** What was found of a workspace. */
export type Found = Omit<Check, 'name'>;

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
    return await Promise.all(
      workspaces.map(async (workspace) => {
        const { status, message, remedy } = await lookAtWorkspace(deps.client, workspace, signal);
        const line = { name: `${name}, workspace ${workspace.name}`, status, message };
        return status === 'ok' ? line : { ...line, remedy: remedy === undefined ? connect : `${remedy} ${connect}` };
      }),
    );
  } catch (error) {
    return [{ name, status: 'missing', message: (error as Error).message, remedy: connect }];
  }
}

/** Whether people can give the agent work there. Never throws. */
export async function lookAtWorkspace(client: LinearClient, { id }: Workspace, signal: AbortSignal): Promise<Found> {
  try {
    const { viewer, teams } = await client.request<Answer>(id, checkDocument, {}, signal);
    const keys = teams.nodes.map(({ key }) => key).join(', ') + (teams.pageInfo.hasNextPage ? ', ...' : '');
    const fault = faultOf(viewer, teams.nodes.length);
    return fault ?? { status: 'ok', message: `connected as "${viewer.name}"; teams: ${keys}` };
  } catch (error) {
    return { status: 'missing', message: (error as Error).message };
  }
}

/** A token that is a person's own key, not the app's. */
export function personsToken(name: string): { message: string; remedy: string } {
  return {
    message: `the token is of "${name}", a person: issues cannot be delegated to it`,
    remedy:
      'In place of LINEAR_ACCESS_TOKEN set LINEAR_CLIENT_ID and LINEAR_CLIENT_SECRET of the app; or a token of the app itself (actor=app).',
  };
}

function faultOf(viewer: Answer['viewer'], teams: number): Found | null {
  if (!viewer.app) return { status: 'missing', ...personsToken(viewer.name) };
  const scopes = [
    ...(viewer.isAssignable ? [] : ['app:assignable']),
    ...(viewer.isMentionable ? [] : ['app:mentionable']),
  ];
  if (scopes.length > 0)
    return {
      status: 'missing',
      message: `the app "${viewer.name}" lacks the scope ${scopes.join(' and ')}, so people cannot ${viewer.isAssignable ? 'mention it' : 'delegate issues to it'}`,
      remedy: 'Authorize the app again with that scope.',
    };
  if (!viewer.supportsAgentSessions)
    return {
      status: 'missing',
      message: `the app "${viewer.name}" gets no agent sessions, so it hears of no work`,
      remedy: 'Turn on "Agent session events" in the webhooks of the app, and authorize it again.',
    };
  if (teams === 0)
    return {
      status: 'missing',
      message: `the app "${viewer.name}" sees no team`,
      remedy: "Give it access to a team, in Linear's settings of the app.",
    };
  return null;
}
