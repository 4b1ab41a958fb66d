import type { Attachment } from './ticket.ts';

/** By the end of a name; whoever reads a file looks at its content. */
const mediaTypes: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  svg: 'image/svg+xml',
  pdf: 'application/pdf',
  mp4: 'video/mp4',
  mov: 'video/quicktime',
  zip: 'application/zip',
  txt: 'text/plain',
  log: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  json: 'application/json',
  yaml: 'application/yaml',
  yml: 'application/yaml',
};

/** What a file of this name usually is; null: it does not say. */
export function mediaTypeOf(name: string): string | null {
  const end = /[^/]\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(mediaTypes, end) ? (mediaTypes[end] ?? null) : null;
}

/** A file as its store tells of it: its name says more of its type than the store. */
export function attachmentOf(file: { url: string; name: string; bytes: number; mediaType: string | null }): Attachment {
  const { url: id, name, bytes, mediaType } = file;
  return { id, name, mediaType: mediaTypeOf(name) ?? mediaType ?? 'application/octet-stream', bytes };
}
