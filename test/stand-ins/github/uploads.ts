import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GitHub } from './github.ts';
import { Refusal } from './refusal.ts';
import { isCovered } from './rights.ts';
import type { Repository } from './rows.ts';

interface Upload {
  repository: Repository;
  type: string;
  content: Uint8Array;
}

const uploads = new WeakMap<GitHub, Map<string, Upload>>();

const storeOf = (github: GitHub): Map<string, Upload> => {
  const known = uploads.get(github) ?? new Map<string, Upload>();
  uploads.set(github, known);
  return known;
};

/** Answers its URL, which says nothing of the name of a picture. */
export function addUpload(github: GitHub, repository: Repository, name: string, content: Uint8Array): string {
  const isPicture = name.endsWith('.png');
  const id = randomUUID();
  const path = isPicture ? `/user-attachments/assets/${id}` : `/user-attachments/files/${github.nextId()}/${id}.txt`;
  storeOf(github).set(path, { repository, type: isPicture ? 'image/png' : 'text/plain', content });
  return `${github.url}${path}`;
}

/** To whom the token is for; first a way to the place where it lies, which wants no token and must not be given one. */
export function answerUpload(github: GitHub, from: IncomingMessage, to: ServerResponse): void {
  const { pathname, searchParams } = new URL(from.url ?? '/', github.url);
  const upload = storeOf(github).get(pathOf(pathname));
  const bearer = /^(?:bearer|token) (.+)$/i.exec(from.headers.authorization ?? '')?.[1];
  if (!upload) return void to.writeHead(404).end();
  if (pathname.startsWith('/stored/')) {
    if (bearer !== undefined) github.violations.push('a token was sent to where uploads lie');
    const isLet = searchParams.get('let') === 'in';
    if (!isLet) return void to.writeHead(403).end();
    to.writeHead(200, { 'content-type': upload.type, 'content-length': String(upload.content.length) });
    return void to.end(from.method === 'HEAD' ? undefined : upload.content);
  }
  try {
    const isMine = bearer !== undefined && isCovered(github, github.apps.tokenOf(bearer), upload.repository);
    if (!isMine) throw new Refusal(404, 'Not Found');
    to.writeHead(302, { location: `${github.url}/stored/${Buffer.from(pathname).toString('base64url')}?let=in` }).end();
  } catch {
    to.writeHead(404).end();
  }
}

function pathOf(pathname: string): string {
  const [, stored] = /^\/stored\/(.+)$/.exec(pathname) ?? [];
  return stored === undefined ? pathname : Buffer.from(stored, 'base64url').toString();
}
