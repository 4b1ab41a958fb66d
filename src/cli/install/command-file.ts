import { compareMarked } from '../../../mcp-servers/tickets/commands/mark.ts';
import type { Standing } from './standing.ts';

/** A file that is ours as a whole. */
export function planCommandFile(found: string | null, wanted: string): Standing {
  return { is: found === null ? 'missing' : compareMarked(found, wanted), text: wanted };
}
