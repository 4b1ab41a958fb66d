import type { Operation } from '../core/effect.ts';
import type { Repository } from '../core/repository.ts';
import type { Place, Screenshot } from '../core/screenshots.ts';
import { isDatabaseUnavailable } from '../lib/database-error.ts';
import { deterministicId } from '../lib/ids.ts';
import type { Log } from '../lib/log.ts';
import type { Database } from '../store/database.ts';
import type { NewEffect } from '../store/effects.ts';
import { readEvidenceFile } from '../store/evidence.ts';
import type { ClaimedRun } from '../store/runs.ts';
import type { SessionStore, Workspaces } from '../workspaces/workspaces.ts';
import type { Finished } from './finish.ts';
import type { Prepared } from './prepare.ts';
import { author } from './send-code.ts';

type EvidencePush = Extract<Operation, { kind: 'pushEvidence' }>;

/** What a change is shown with, as it will stand outside: known before anything is sent, for the same files make the same commit. */
export interface Shown {
  screenshots: Screenshot[];
  commit: Pick<EvidencePush, 'files' | 'message' | 'date'>;
  /** Where people will see one; null: at no address. */
  place: Place;
}

const nothingShown: Shown = {
  screenshots: [],
  commit: { files: [], message: '', date: '' },
  place: () => null,
};

/** Read before the transaction that publishes. A change goes out without pictures that cannot be had. */
export async function prepareShown(
  deps: { db: Database; workspaces: Workspaces; log: Log },
  { session, repository, host, ticket }: Prepared,
  finished: Finished,
): Promise<Shown> {
  const screenshots = finished.screenshots ?? [];
  if (screenshots.length === 0 || finished.type !== 'change') return { ...nothingShown, screenshots };
  const commit = {
    files: screenshots.map(({ file, image }) => ({ file, evidence: image })),
    message: `Screenshots, for people to look at\n\nTicket: ${ticket.identifier.replace(/\s+/g, ' ')}\n`,
    date: finished.date,
  };
  try {
    const { commit: sha } = await commitEvidence(deps, session.id, repository, commit);
    const place: Place = (file) =>
      host.linkTo(repository, { commit: sha, path: file, from: null, to: null, isImage: true });
    return { screenshots, commit, place };
  } catch (error) {
    if (isDatabaseUnavailable(error)) throw error;
    deps.log.warn({ err: error }, 'the screenshots of a change could not be prepared, so it is published without them');
    return nothingShown;
  }
}

/** Throws where the evidence is not there any more. */
export async function commitEvidence(
  { db, workspaces }: { db: Database; workspaces: Workspaces },
  sessionId: string,
  repository: Repository,
  { files, message, date }: Shown['commit'],
  signal?: AbortSignal,
): Promise<{ store: SessionStore; commit: string }> {
  const contents: { name: string; content: Uint8Array }[] = [];
  for (const { file, evidence } of files)
    contents.push({ name: file, content: await readContent(db, sessionId, evidence) });
  const { store, tree } = await workspaces.treeOf(sessionId, repository, contents);
  return { store, commit: await workspaces.commit(store, { tree, parent: null, message, date, author }, signal) };
}

export async function readContent(db: Database, sessionId: string, path: string): Promise<Uint8Array> {
  const content = await readEvidenceFile(db, sessionId, path);
  if (content === null) throw new Error(`The evidence ${path} was deleted, so it cannot be shown any more.`);
  return content;
}

/** Each run has a branch of its own, so that nothing is ever overwritten. */
export function screenshotBranch(branch: string, run: Pick<ClaimedRun, 'number'>): string {
  return `${branch}-screenshots${run.number === 1 ? '' : `-${run.number}`}`;
}

/** On a branch of their own, where `branch` is one, and on the ticket. */
export function showScreenshots(
  cause: Pick<NewEffect, 'sessionId' | 'runId' | 'stepId'>,
  prefix: string,
  { screenshots, commit }: Shown,
  to: { repository: string; branch: string } | null,
): NewEffect[] {
  const effect = (name: string, operation: (id: string) => Operation): NewEffect => ({
    ...cause,
    key: `${prefix}/${name}`,
    operation: operation(deterministicId(prefix, name)),
  });
  if (screenshots.length === 0) return [];
  return [
    ...(to === null ? [] : [effect('screenshots', (id) => ({ kind: 'pushEvidence', id, ...to, ...commit }))]),
    ...screenshots.map(({ file, image, mediaType }, index) =>
      effect(`screenshot/${index + 1}`, (id) => ({ kind: 'attachFile', id, name: file, mediaType, evidence: image })),
    ),
  ];
}
