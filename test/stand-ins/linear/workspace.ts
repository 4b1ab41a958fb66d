import { randomUUID } from 'node:crypto';
import type { Clock } from './clock.ts';
import { invalidInput, notFound } from './refusal.ts';
import {
  createTables,
  type IssueLabel,
  type Kind,
  type Kinds,
  type Project,
  type Row,
  type Tables,
  type Team,
  type User,
  type WorkflowState,
} from './rows.ts';
import type { Outbox } from './webhooks.ts';

/** One organization: what it holds, who is who in it, and what it tells. */
export interface Workspace {
  tables: Tables;
  clock: Clock;
  outbox: Outbox;
  organizationId: string;
  /** The agent's account here. */
  appUser: User;
  /** Linear's name for the app, the same in every organization. */
  clientId: string;
  /** What an organization and its teams tell agents; `teamId` null: all of them. */
  guidance: { body: string; teamId: string | null }[];
  /** Teams that the app may not see. */
  closedTeams: Set<string>;
  /** Whether the app takes agent sessions: one of the categories on its page. */
  hasAgentSessions: boolean;
  /**
   * Whether a session that is asked for in an answer has a thread of its own, and names the answer; else it is in the thread
   * of the answer and names none. Linear's types allow both readings.
   */
  answersSpawnThreads: boolean;
  /** So long after an issue was filed its history does not say what is changed; Linear says: three minutes. */
  unloggedForMs: number;
  /** Whether a session keeps links to one URL side by side; Linear does not say. */
  keepsEqualUrls: boolean;
  /** Whether pull requests can be linked as such. */
  hasGitHub: boolean;
  /** What `issueRepositorySuggestions` thinks of a candidate, from 0 to 1. */
  confidence: (repositoryFullName: string) => number;
  /** Creates a row. Throws where the id is used. */
  insert<K extends Kind>(kind: K, fields: Omit<Kinds[K], keyof Row>, id?: string | null): Kinds[K];
  get<K extends Kind>(kind: K, id: string): Kinds[K];
  /** Takes a row away. Its id stays used. */
  remove(row: Row): void;
  /** Changes a row; what it was of what is different now, or null where nothing is. */
  update<R extends Row>(row: R, changes: Partial<R>): Partial<R> | null;
}

export const appBaseUrl = 'https://linear.app';

const uuid4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

export interface WorkspaceOptions {
  name: string;
  urlKey: string;
  appName: string;
  clientId: string;
}

export function createWorkspace(clock: Clock, outbox: Outbox, options: WorkspaceOptions): Workspace {
  const tables = createTables();
  const removed = new Set<string>();

  const workspace: Workspace = {
    tables,
    clock,
    outbox,
    organizationId: '',
    appUser: undefined as never,
    clientId: options.clientId,
    guidance: [],
    closedTeams: new Set(),
    hasAgentSessions: true,
    answersSpawnThreads: true,
    unloggedForMs: 3 * 60_000,
    keepsEqualUrls: false,
    hasGitHub: true,
    confidence: () => 0.5,
    insert(kind, fields, id) {
      if (id != null && !uuid4.test(id)) throw invalidInput('id must be a UUID');
      if (id != null && (removed.has(id) || Object.values(tables).some((table) => table.has(id))))
        throw invalidInput(`${kind} with id ${id} already exists.`);
      const at = clock.stamp();
      const row = { ...fields, __typename: kind, id: id ?? randomUUID(), createdAt: at, updatedAt: at } as never;
      tables[kind].set((row as Row).id, row);
      return row;
    },
    get(kind, id) {
      const row = tables[kind].get(id);
      if (!row) throw notFound(kind);
      return row as never;
    },
    remove({ id }) {
      for (const table of Object.values(tables)) if (table.delete(id)) removed.add(id);
    },
    update(row, changes) {
      const before: Partial<typeof row> = {};
      for (const key of Object.keys(changes) as (keyof typeof row)[])
        if (changes[key] !== undefined && JSON.stringify(row[key]) !== JSON.stringify(changes[key])) {
          before[key] = row[key];
          row[key] = changes[key] as never;
        }
      if (Object.keys(before).length === 0) return null;
      before.updatedAt = row.updatedAt;
      row.updatedAt = clock.stamp();
      return before;
    },
  };
  workspace.organizationId = workspace.insert('Organization', { name: options.name, urlKey: options.urlKey }).id;
  workspace.appUser = addUser(workspace, options.appName, { app: true });
  return workspace;
}

export function addUser(workspace: Workspace, name: string, { app = false } = {}): User {
  const handle = name.toLowerCase().replaceAll(/\W+/g, '.');
  const { urlKey } = workspace.get('Organization', workspace.organizationId);
  return workspace.insert('User', {
    name,
    displayName: handle,
    email: app ? `${handle}@oauthapp.linear.app` : `${handle}@example.org`,
    url: `${appBaseUrl}/${urlKey}/profiles/${handle}`,
    app,
    active: true,
  });
}

/** As Linear sets up a new team, with a state for reviews. */
export const usualStates: [name: string, type: WorkflowState['type']][] = [
  ['Backlog', 'backlog'],
  ['Todo', 'unstarted'],
  ['In Progress', 'started'],
  ['In Review', 'started'],
  ['Done', 'completed'],
  ['Canceled', 'canceled'],
  ['Duplicate', 'duplicate'],
];

export function addTeam(
  workspace: Workspace,
  team: { key: string; name: string; parentId?: string; triageEnabled?: boolean },
  states = usualStates,
): Team {
  const { key, name, parentId = null, triageEnabled = false } = team;
  const row = workspace.insert('Team', { key, name, displayName: name, parentId, triageEnabled, lastNumber: 0 });
  const all = triageEnabled ? [['Triage', 'triage'] as const, ...states] : states;
  // Positions need not go by the order in which states were made; those of a type are in it.
  for (const [index, [name, type]] of [...all.entries()].reverse())
    workspace.insert('WorkflowState', { name, type, position: index, color: '#5e6ad2', teamId: row.id });
  return row;
}

export function addProject(workspace: Workspace, name: string, teamIds: string[]): Project {
  const url = `${appBaseUrl}/project/${randomUUID()}`;
  return workspace.insert('Project', { name, description: '', content: null, url, teamIds });
}

export function addLabel(
  workspace: Workspace,
  name: string,
  teamId: string | null = null,
  id?: string | null,
): IssueLabel {
  return workspace.insert('IssueLabel', { name, color: '#bec2c8', teamId, parentId: null }, id);
}

export function statesOf(workspace: Workspace, teamId: string): WorkflowState[] {
  const states = [...workspace.tables.WorkflowState.values()].filter((state) => state.teamId === teamId);
  return states.toSorted((a, b) => a.position - b.position);
}
