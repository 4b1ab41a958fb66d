import { withoutMentions } from '../../../core/outgoing-text.ts';
import { newStatus, renderStatus, type Status, storedStatus, writeFitting } from '../../one-comment/status.ts';
import { hide, statusMark, unhide } from '../markers.ts';

const longest = 60_000;

/** What a comment of ours knows, if it is a status comment. One that people have spoiled begins anew. */
export function readStatus(body: string): Status | null {
  if (!body.startsWith(statusMark)) return null;
  return unhide('state', body, storedStatus) ?? newStatus();
}

/** The comment's text; `isBrief`: with the last word only. */
export function writeStatus(known: Status, isBrief: boolean): string {
  return writeFitting(known, () => {
    const shown = renderStatus(known, { quiet: withoutMentions, isBrief });
    const written = [statusMark, shown, hide('state', known)].join('\n\n');
    return { written, fits: written.length <= longest };
  });
}
