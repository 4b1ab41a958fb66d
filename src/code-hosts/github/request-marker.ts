import { createHash } from 'node:crypto';
import { withEnding } from './following/marker.ts';

const most = 20;
const marker = /\n*<!-- shipmate-requests((?: [0-9a-f]{16})+) -->\s*$/;

const shortOf = (id: string) => createHash('sha256').update(id).digest('hex').slice(0, 16);

/** Hidden at the end of a body: the requests that made it what it is. GitHub has no ids of ours. */
export function withRequests(body: string, requests: readonly string[]): string {
  return withEnding(body, `\n\n<!-- shipmate-requests ${requests.slice(-most).join(' ')} -->`);
}

/** The body as it was given, and the requests, the newest last. */
export function readRequests(body: string | null): { body: string; requests: string[] } {
  const found = marker.exec(body ?? '');
  if (!found) return { body: body ?? '', requests: [] };
  return { body: (body ?? '').slice(0, found.index), requests: (found[1] ?? '').trim().split(' ') };
}

export function addRequest(requests: readonly string[], id: string): string[] {
  return [...requests.filter((each) => each !== shortOf(id)), shortOf(id)];
}

export function hasRequest(requests: readonly string[], id: string): boolean {
  return requests.includes(shortOf(id));
}
