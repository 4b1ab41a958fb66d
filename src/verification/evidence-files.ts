import { constants } from 'node:fs';
import { lstat, open, opendir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { Evidence } from '../core/evidence.ts';

/** A file that a command left in `$SHIPMATE_EVIDENCE`, with its bytes. `evidence.path` is relative to that directory. */
export interface EvidenceFile {
  evidence: Extract<Evidence, { type: 'file' }>;
  content: Uint8Array;
}

const most = { files: 20, bytes: 5_000_000, inAll: 20_000_000, depth: 4, entries: 2000 };

const mediaTypes: Record<string, string> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.svg': 'image/svg+xml',
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
  '.txt': 'text/plain',
  '.log': 'text/plain',
  '.md': 'text/markdown',
  '.html': 'text/html',
  '.css': 'text/css',
  '.csv': 'text/csv',
  '.json': 'application/json',
  '.xml': 'application/xml',
  '.pdf': 'application/pdf',
  '.zip': 'application/zip',
};

/**
 * Takes what commands left. Call it when nothing runs in the sandbox any more. The directory was written by code that nobody
 * trusts: only regular files under one name are read, and no link is followed. `leftOut` counts what the limits excluded.
 */
export async function collectEvidence(dir: string): Promise<{ files: EvidenceFile[]; leftOut: number }> {
  const paths: string[] = [];
  await walk(dir, '', 0, paths);
  const files: EvidenceFile[] = [];
  let leftOut = 0;
  let total = 0;
  for (const path of paths.sort()) {
    const room = files.length < most.files ? Math.min(most.bytes, most.inAll - total) : -1;
    const content = await readRegular(join(dir, path), room);
    if (content === null) continue;
    if (content === 'tooLarge') {
      leftOut++;
      continue;
    }
    total += content.length;
    const mediaType = mediaTypes[extname(path).toLowerCase()] ?? 'application/octet-stream';
    files.push({ evidence: { type: 'file', name: path, mediaType, bytes: content.length, path }, content });
  }
  return { files, leftOut };
}

async function walk(root: string, inside: string, depth: number, paths: string[]): Promise<void> {
  const dir = join(root, inside);
  const status = await lstat(dir).catch(() => null);
  if (!status?.isDirectory() || depth > most.depth) return;
  const entries = await opendir(dir).catch(() => null);
  if (!entries) return;
  for await (const entry of entries) {
    if (paths.length >= most.entries) return;
    const path = inside ? `${inside}/${entry.name}` : entry.name;
    if (entry.isDirectory()) await walk(root, path, depth + 1, paths);
    else if (entry.isFile()) paths.push(path);
  }
}

async function readRegular(path: string, room: number): Promise<Buffer | 'tooLarge' | null> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => null);
  if (!handle) return null;
  try {
    const status = await handle.stat();
    // A second name of the same file may be one from outside the directory.
    if (!status.isFile() || status.nlink > 1) return null;
    if (status.size > room) return 'tooLarge';
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
