import { cutMiddle, grouped } from './cut-text.ts';
import { cleanLine, cleanText } from './outside-text.ts';
import type { Attachment } from './ticket.ts';

/** What of a ticket's files is read at all, and how much of it a model is given. */
export const attachmentLimits = {
  /** Files. */
  read: 20,
  bytesRead: 10_000_000,
  /** Characters of one text, and of all together. */
  text: 8_000,
  texts: 24_000,
  /** Vendors take 5 MB of base64. */
  imageBytes: 3_700_000,
  images: 8,
};

/** What a file is, by its content: names and types are what people say of it. */
export type Content = { type: 'text'; text: string } | { type: 'image'; mediaType: string } | { type: 'other' };

export function contentOf(bytes: Uint8Array): Content {
  const mediaType = imageTypeOf(bytes);
  if (mediaType !== null) return { type: 'image', mediaType };
  const text = textOf(bytes);
  return text === null ? { type: 'other' } : { type: 'text', text };
}

function imageTypeOf(bytes: Uint8Array): string | null {
  const begins = (at: number, ...wanted: number[]) => wanted.every((byte, index) => bytes[at + index] === byte);
  if (begins(0, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'image/png';
  if (begins(0, 0xff, 0xd8, 0xff)) return 'image/jpeg';
  if (begins(0, 0x47, 0x49, 0x46, 0x38) && (bytes[4] === 0x37 || bytes[4] === 0x39) && bytes[5] === 0x61)
    return 'image/gif';
  return begins(0, 0x52, 0x49, 0x46, 0x46) && begins(8, 0x57, 0x45, 0x42, 0x50) ? 'image/webp' : null;
}

function textOf(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** A file of a ticket; `content` is null where it was not read, for the reason that `why` gives. */
export type ReadAttachment = { file: Attachment } & ({ content: Content } | { content: null; why: string });

/**
 * What a model is told of a ticket's files, not yet marked: the text of those that are text, within limits, and the names of
 * all others. `shown` are places in `files` of the images that are to be shown with it.
 */
export function describeAttachments(files: readonly ReadAttachment[]): { texts: string[]; shown: number[] } {
  let room = attachmentLimits.texts;
  const shown: number[] = [];
  const texts = files.map((one, index) => {
    const { file, content } = one;
    const name = `Attachment ${cleanLine(file.name, 200)} (${cleanLine(file.mediaType, 100)}, ${sizeOf(file.bytes)})`;
    if (content === null) return `${name}: not read, ${one.why}`;
    if (content.type === 'image') {
      if (file.bytes > attachmentLimits.imageBytes) return `${name}: an image that is too large to be shown`;
      if (shown.length >= attachmentLimits.images) return `${name}: an image, one too many to be shown`;
      shown.push(index);
      return `${name}: image ${shown.length} of those shown beside this text`;
    }
    if (content.type === 'other') return `${name}: neither text nor an image, so not shown`;
    const limit = Math.min(attachmentLimits.text, room);
    if (limit < 200) return `${name}: text for which there is no room`;
    const text = cutMiddle(cleanText(content.text).trim(), limit, (left) => `[${grouped(left)} characters left out]`);
    room -= text.length;
    return `${name}:\n${text || '(empty)'}`;
  });
  return { texts, shown };
}

export function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 2 ** 20 ? `${(bytes / 1024).toFixed(1)} kB` : `${(bytes / 2 ** 20).toFixed(1)} MB`;
}
