import { newStatus, renderStatus, type Status, storedStatus, writeFitting } from '../../one-comment/status.ts';
import type { AdfDocument } from '../adf/document.ts';
import { mostCharacters } from '../adf/split.ts';
import { commentMarkOf, markIn } from './marks.ts';
import { documentOf, sizeOf } from './text.ts';

/** In bytes: a property holds 32,768 of them. */
const mostKnown = 30_000;

/** What a comment of ours knows, if it is a status comment. One whose property was spoiled begins anew. */
export function readStatus(comment: Parameters<typeof markIn>[0]): Status | null {
  const mark = markIn(comment);
  if (typeof mark !== 'object' || mark === null || !('status' in mark)) return null;
  return storedStatus.safeParse(mark.status).data ?? newStatus();
}

/** The comment as it is sent. */
export function writeStatus(status: Status): {
  body: AdfDocument;
  properties: ReturnType<typeof commentMarkOf>;
} {
  const body = writeFitting(status, (known) => {
    const written = documentOf(renderStatus(known));
    const fits = sizeOf(written) <= mostCharacters && Buffer.byteLength(JSON.stringify(known)) <= mostKnown;
    return { written, fits };
  });
  return { body, properties: commentMarkOf({ status: structuredClone(status) }) };
}
