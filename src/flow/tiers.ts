import { namedPaths } from '../core/named-paths.ts';
import { isObeyed } from '../core/prompt.ts';
import type { Repository } from '../core/repository.ts';
import type { Confidence } from '../core/scope.ts';
import { kindsOf } from '../core/ticket-kinds.ts';
import { refuseWork } from '../core/tier-text.ts';
import { decideTier, sizeOfChange, type Tiered } from '../core/tiers.ts';
import { unreadPrompts } from '../store/prompts.ts';
import { wasRefused } from '../store/runs.ts';
import type { Change, SessionStore, Workspaces } from '../workspaces/workspaces.ts';
import type { Beginning } from './before-work.ts';
import type { NotPrepared } from './prepare.ts';

/**
 * Work that the rules of its repository say is never for the agent, by what the ticket says: refused before anything is
 * fetched or any model asked. What the ticket only names may be beside the point: whoever answers that has it begin, and the
 * rating and the change are judged all the same. `isBegun`: a model knows the ticket.
 */
export async function refuseNever(
  { deps, session, ticket, facts }: Pick<Beginning, 'deps' | 'session' | 'ticket' | 'facts'>,
  repository: Repository,
  isBegun: boolean,
): Promise<NotPrepared | null> {
  const kinds = kindsOf(ticket);
  const sure = decideTier(repository, { from: 'ticket', kinds });
  const isSure = sure.tier === 'never';
  const tier =
    isSure || isBegun ? sure : decideTier(repository, { from: 'ticket', kinds, paths: namedPaths(ticket, facts) });
  if (tier.tier !== 'never') return null;
  const prompts = await unreadPrompts(deps.db, session.id);
  if (!isSure && prompts.some(isObeyed) && (await wasRefused(deps.db, session.id, tier.because))) return null;
  return { outcome: refuseWork(tier, ticket.title, !isSure), heard: prompts.map(({ id }) => id) };
}

/** What of a change is the agent's. */
interface MadeChange {
  store: SessionStore;
  changes: readonly Change[];
  size: { files: number; added: number; deleted: number };
  tree: string;
  /** The tree of its pull request: what is there already is published, by us or by people. */
  published: string;
}

export interface TieredChange extends Tiered {
  paths: string[];
}

/** The same of a change that is handed in, by what it really touches. */
export async function tierOfChange(
  { workspaces }: { workspaces: Pick<Workspaces, 'changes'> },
  repository: Repository,
  { store, changes, size, tree, published }: MadeChange,
  known: { kinds: string[]; rating: Confidence | undefined },
): Promise<TieredChange> {
  if (!repository.tiers) return { tier: 'review', because: '', paths: [] };
  // Files of a session that rested for long are deleted; what is not there to compare with counts as the agent's.
  const since = await workspaces.changes(store, published, tree).catch(() => changes);
  const ours = new Set(since.flatMap(pathsOf));
  const paths = [...new Set(changes.flatMap(pathsOf))].filter((path) => ours.has(path));
  const { kinds, rating } = known;
  const work = { from: 'change' as const, kinds, paths, size: sizeOfChange(size), ...(rating && { rating }) };
  return { ...decideTier(repository, work), paths };
}

function pathsOf({ path, oldPath }: Change): string[] {
  return oldPath === null ? [path] : [path, oldPath];
}
