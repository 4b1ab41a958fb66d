import type { TeamPlace } from '../../../core/ticket.ts';
import { askEach } from '../../ask-each.ts';
import type { Desks } from '../desks.ts';

/** A ticket is filed into a project. */
export async function listTeams({ sites }: Desks, signal: AbortSignal): Promise<TeamPlace[]> {
  signal.throwIfAborted();
  const all = await askEach(await sites.all(signal), (site) => site.projects(signal));
  return all
    .flat()
    .map(({ name, key }) => ({ name, key }))
    .sort((a, b) => a.name.localeCompare(b.name, 'en'));
}
