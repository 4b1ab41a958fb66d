import { createHash } from 'node:crypto';
import {
  attachmentLimits,
  contentOf,
  describeAttachments,
  type ReadAttachment,
  sizeOf,
} from '../core/attachment-content.ts';
import type { Attachment, TicketHint } from '../core/ticket.ts';
import { VendorError } from '../core/vendor-error.ts';
import type { StoredImage } from '../store/edits.ts';
import type { Tracker } from '../trackers/tracker.ts';

/** A ticket's files as its model is given them. */
export interface Attached {
  /** One for each file, not yet marked as text from outside. */
  texts: string[];
  images: StoredImage[];
}

/** Reads what people attached. A file that cannot be had is named, with the reason; a tracker that is away throws. */
export async function readAttachments(
  tracker: Tracker,
  hint: TicketHint,
  attachments: readonly Attachment[],
  signal: AbortSignal,
): Promise<Attached> {
  const theirs = attachments.filter(({ isOwn }) => !isOwn);
  const files: ReadAttachment[] = [];
  const contents = new Map<number, Uint8Array>();
  for (const [index, file] of theirs.slice(0, attachmentLimits.read).entries()) {
    if (file.bytes > attachmentLimits.bytesRead) {
      files.push({ file, content: null, why: `it is larger than ${sizeOf(attachmentLimits.bytesRead)}` });
      continue;
    }
    const bytes = await tracker.readAttachment(hint, file.id, signal).catch((error: unknown) => {
      if (error instanceof VendorError && !error.retryable) return error;
      throw error;
    });
    if (bytes instanceof VendorError) files.push({ file, content: null, why: bytes.message });
    else {
      files.push({ file: { ...file, bytes: bytes.length }, content: contentOf(bytes) });
      contents.set(index, bytes);
    }
  }
  const { texts, shown } = describeAttachments(files);
  const more = theirs.length - files.length;
  const images = shown.flatMap((index): StoredImage[] => {
    const content = contents.get(index);
    const what = files[index]?.content;
    if (!content || what?.type !== 'image') return [];
    return [{ hash: createHash('sha256').update(content).digest('hex'), mediaType: what.mediaType, content }];
  });
  return { texts: more > 0 ? [...texts, `${more} more attachments are not listed`] : texts, images };
}
