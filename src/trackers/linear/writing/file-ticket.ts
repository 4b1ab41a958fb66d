import type { TicketDraft, TicketHint } from '../../../core/ticket.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import { refOf } from '../hint.ts';
import { createIssue, filedAs, teamNamed } from './create-ticket.ts';
import { execute } from './execute.ts';
import { memoryOf } from './memory.ts';
import type { Mutation } from './mutations.ts';
import { type Asking, type Place, refusal, type SendDeps } from './place.ts';
import { storable } from './text.ts';

/**
 * Files a ticket that belongs to no other, under an id of ours: sent again it is found there. It goes to the team that the
 * draft names, or else to the first by name of those that the agent sees. Throws `VendorError`.
 */
export async function fileTicket(
  deps: SendDeps,
  { id, draft }: { id: string; draft: TicketDraft },
  signal: AbortSignal,
): Promise<TicketHint> {
  signal.throwIfAborted();
  const memory = memoryOf(deps.client);
  return memory.inTurn(id, signal, async () => {
    const known = memory.resultOf(id);
    if (known) return known.hint as TicketHint;
    const file = () => fileOnce(deps, { id, draft }, signal);
    const result = await file().catch(async (error: unknown) => {
      if (!(error instanceof VendorError) || error.retryable) throw error;
      // It may be refused for what was remembered: a team is new, a label is gone.
      for (const workspace of await deps.tokens.workspaces(signal)) deps.cache.forget(workspace.id);
      memory.forget(id);
      return file();
    });
    memory.keepResult(id, result);
    return result.hint as TicketHint;
  });
}

/** What files a ticket on another one; nothing is filed when what blocks it is not there. */
export async function prepareFiling(
  place: Place,
  { blockers, ...filing }: { id: string; draft: TicketDraft; parentId: string | null; blockers: readonly string[] },
): Promise<Mutation[]> {
  const { workspace, hint, cache, signal } = place;
  await checkThere(place, blockers);
  const teams = filing.draft.team === null ? [] : await cache.teams(workspace, signal);
  // A part stays beside what it is a part of, whatever its draft calls the team.
  const named = filing.draft.team === null ? null : teamNamed(teams, filing.draft.team);
  const team = named?.id ?? refOf(hint)?.team;
  if (team === undefined) throw refusal('invalid', `Nobody knows the team of ${hint.identifier}.`);
  return fileIn(place, team, filing);
}

type At = Asking & Pick<Place, 'cache'>;

async function fileIn(
  at: At,
  teamId: string,
  { id, draft, parentId }: { id: string; draft: TicketDraft; parentId: string | null },
): Promise<Mutation[]> {
  const team = await at.cache.team(at.workspace, teamId, at.signal);
  const projectId = draft.project === null ? null : await findProject(at, teamId, storable(draft.project));
  return createIssue({ id, draft, team, projectId, parentId, isReady: parentId !== null });
}

async function fileOnce(
  deps: SendDeps,
  { id, draft }: { id: string; draft: TicketDraft },
  signal: AbortSignal,
): Promise<{ hint: unknown }> {
  const { workspace, team } = await findTeam(deps, draft, signal);
  const at = { ...deps, workspace, signal };
  const { payloads, refused } = await execute(at, await fileIn(at, team, { id, draft, parentId: null }));
  if (refused) throw refused;
  return filedAs(workspace, id, payloads);
}

async function findTeam(
  { tokens, cache }: SendDeps,
  draft: TicketDraft,
  signal: AbortSignal,
): Promise<{ workspace: string; team: string }> {
  const names: string[] = [];
  for (const { id: workspace } of await tokens.workspaces(signal)) {
    const teams = await cache.teams(workspace, signal);
    const [first] = teams.toSorted((a, b) => a.name.localeCompare(b.name));
    const team = draft.team === null ? first : teamNamed(teams, draft.team);
    if (team) return { workspace, team: team.id };
    names.push(...teams.map(({ name }) => `"${name}"`));
  }
  if (names.length === 0)
    throw refusal('invalid', 'The agent sees no team in Linear. Give the app access to one, in Linear under Settings.');
  throw refusal('invalid', `Linear has no team "${draft.team}" that the agent sees. Its teams: ${names.join(', ')}.`);
}

export const projectDocument = `query ProjectNamed($team: String!, $name: String!) {
  team(id: $team) { projects(filter: { name: { eqIgnoreCase: $name } }, first: 1) { nodes { id } } }
}`;

/** null: the team has none of that name, and the ticket is filed without. */
async function findProject({ client, workspace, signal }: At, team: string, name: string): Promise<string | null> {
  const memory = memoryOf(client);
  const known = memory.projectOf(team, name);
  if (known !== null) return known;
  const answer = await client.request<{ team: { projects: { nodes: { id: string }[] } } }>(
    workspace,
    projectDocument,
    { team, name },
    signal,
  );
  const found = answer.team.projects.nodes[0]?.id ?? null;
  if (found !== null) memory.keepProject(team, name, found);
  return found;
}

export const blockersDocument = `query Blockers($ids: [ID!]!, $first: Int!) {
  issues(filter: { id: { in: $ids } }, first: $first, includeArchived: true) { nodes { id } }
}`;

async function checkThere({ client, workspace, signal }: Asking, wanted: readonly string[]): Promise<void> {
  // What was filed a moment ago is there; and it was filed under its operation's id.
  const ids = [...new Set(wanted)].filter((id) => memoryOf(client).resultOf(id) === null);
  if (ids.length === 0) return;
  const { issues } = await client.request<{ issues: { nodes: { id: string }[] } }>(
    workspace,
    blockersDocument,
    { ids, first: ids.length },
    signal,
  );
  const missing = ids.find((id) => !issues.nodes.some((node) => node.id === id));
  if (missing !== undefined) throw refusal('not_found', `Linear has no ticket ${missing} that could block another.`);
}
