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

export const teamDocument = `query TeamWhole($team: String!, $teamId: ID!) {
  team(id: $team) { id key name ${workflowFields} }
  issueLabels(first: 250, filter: { or: [{ team: { id: { eq: $teamId } } }, { team: { null: true } }] }) {
    nodes { id name isGroup parent { id name } }
  }
}`;

export const teamsDocument = `query Teams($after: String) {
  teams(first: 100, after: $after) { nodes { id key name } pageInfo { hasNextPage endCursor } }
}`;

interface TeamsAnswer {
  teams: { nodes: TeamName[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
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
        const { team: found, issueLabels } = await client.request<{
          team: TeamName & WorkflowNode;
          issueLabels: { nodes: CachedTeam['labels'] };
        }>(workspace, teamDocument, { team, teamId: team }, signal);
        const { id, key, name } = found;
        const states = keep(workspace, `states/${team}`, statesIn(found));
        return { id, key, name, states, labels: issueLabels.nodes };
      }),

    teams: (workspace, signal) =>
      once(workspace, 'teams', signal, async () => {
        const teams: TeamName[] = [];
        let after: string | null = null;
        for (let page = 0; page < mostPages; page++) {
          const answer: TeamsAnswer = await client.request(workspace, teamsDocument, { after }, signal);
          teams.push(...answer.teams.nodes);
          if (!answer.teams.pageInfo.hasNextPage) break;
          after = answer.teams.pageInfo.endCursor;
        }
        return teams;
      }),

    keepStates: (workspace, team, states) => void keep(workspace, `states/${team}`, states),

    forget(workspace) {
      for (const [name, entry] of kept) if (entry.workspace === workspace) kept.delete(name);
    },
  };
}
