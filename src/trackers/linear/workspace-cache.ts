import type { LinearClient } from './client.ts';
import { statesIn, type TeamState, type WorkflowNode, workflowFields } from './states.ts';

/** What of a workspace hardly changes, for minutes, so that it costs no request each time. */
export interface WorkspaceCache {
  /** A team's states. A reading of a ticket brings them along (`keepStates`), so that this seldom asks. */
  states(workspace: string, team: string, signal: AbortSignal): Promise<TeamState[]>;
  /** A team with its states and with all labels that its tickets may have. Throws `LinearError` `not_found`. */
  team(workspace: string, team: string, signal: AbortSignal): Promise<CachedTeam>;
  /** The teams that the app sees. */
  teams(workspace: string, signal: AbortSignal): Promise<TeamName[]>;
  keepStates(workspace: string, team: string, states: TeamState[]): void;
  /** When Linear has refused an id, or says that our access has changed. */
  forget(workspace: string): void;
}

export interface TeamName {
  id: string;
  /** The beginning of its tickets' identifiers: "ENG". */
  key: string;
  name: string;
}

export interface CachedTeam extends TeamName {
  states: TeamState[];
  labels: { id: string; name: string; isGroup: boolean; parent: { id: string; name: string } | null }[];
}

const keptForMs = 5 * 60_000;

export const statesDocument = `query TeamStates($team: String!) {
  team(id: $team) { ${workflowFields} }
}`;

const labelsOfTeam = `issueLabels(
    first: 250, after: $after, filter: { or: [{ team: { id: { eq: $teamId } } }, { team: { null: true } }] }
  ) {
    nodes { id name isGroup parent { id name } }
    pageInfo { hasNextPage endCursor }
  }`;

export const teamDocument = `query TeamWhole($team: String!, $teamId: ID!, $after: String) {
  team(id: $team) { id key name ${workflowFields} }
  ${labelsOfTeam}
}`;

/** Of a team with more labels than are on a page. */
export const labelsDocument = `query TeamLabels($teamId: ID!, $after: String) {
  ${labelsOfTeam}
}`;

export const teamsDocument = `query Teams($after: String) {
  teams(first: 100, after: $after) { nodes { id key name } pageInfo { hasNextPage endCursor } }
}`;

interface Page<Node> {
  nodes: Node[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

interface LabelsAnswer {
  issueLabels: Page<CachedTeam['labels'][number]>;
}

const mostPages = 10;

export function createWorkspaceCache(client: LinearClient, now: () => number = Date.now): WorkspaceCache {
  const kept = new Map<string, { workspace: string; until: number; value: unknown }>();

  function keep<T>(workspace: string, key: string, value: T): T {
    kept.set(`${workspace}/${key}`, { workspace, until: now() + keptForMs, value });
    return value;
  }

  /** Only answers are shared, not requests under way: whoever made one may call it off. */
  async function once<T>(workspace: string, key: string, signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const found = kept.get(`${workspace}/${key}`);
    return found && found.until > now() ? (found.value as T) : keep(workspace, key, await ask());
  }

  return {
    states: (workspace, team, signal) =>
      once(workspace, `states/${team}`, signal, async () => {
        const answer = await client.request<{ team: WorkflowNode }>(workspace, statesDocument, { team }, signal);
        return statesIn(answer.team);
      }),

    team: (workspace, team, signal) =>
      once(workspace, `team/${team}`, signal, async () => {
        const { team: found, issueLabels } = await client.request<LabelsAnswer & { team: TeamName & WorkflowNode }>(
          workspace,
          teamDocument,
          { team, teamId: team, after: null },
          signal,
        );
        const { id, key, name } = found;
        const states = keep(workspace, `states/${team}`, statesIn(found));
        const labels = await allPages(async (after) => {
          if (after === null) return issueLabels;
          const more = await client.request<LabelsAnswer>(workspace, labelsDocument, { teamId: team, after }, signal);
          return more.issueLabels;
        });
        return { id, key, name, states, labels };
      }),

    teams: (workspace, signal) =>
      once(workspace, 'teams', signal, () =>
        allPages(
          async (after) =>
            (await client.request<{ teams: Page<TeamName> }>(workspace, teamsDocument, { after }, signal)).teams,
        ),
      ),

    keepStates: (workspace, team, states) => void keep(workspace, `states/${team}`, states),

    forget(workspace) {
      for (const [name, entry] of kept) if (entry.workspace === workspace) kept.delete(name);
    },
  };
}

async function allPages<Node>(read: (after: string | null) => Promise<Page<Node>>): Promise<Node[]> {
  const nodes: Node[] = [];
  let after: string | null = null;
  for (let pages = 0; pages < mostPages; pages++) {
    const page: Page<Node> = await read(after);
    nodes.push(...page.nodes);
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    if (after === null) break;
  }
  return nodes;
}
