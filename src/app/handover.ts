import { randomUUID } from 'node:crypto';
import type { Config } from '../config.ts';
import { describeHandedWork, titleOf } from '../core/handover-text.ts';
import { Refusal } from '../core/refusal.ts';
import type { Repository } from '../core/repository.ts';
import type { Person } from '../core/ticket.ts';
import { deterministicId } from '../lib/ids.ts';
import { type GateReason, inspectChange } from '../publishing/gate.ts';
import { readAttention } from '../store/attention.ts';
import type { Queryable } from '../store/database.ts';
import { addHandover, lockForHandover } from '../store/handovers.ts';
import { findSessionByIdentifier, type SessionRow, ticketIdOf } from '../store/sessions.ts';
import type { Change } from '../workspaces/workspaces.ts';
import { mustBeFollowed, type SayDeps, say } from './say.ts';
import { readWork, refresh, refusing, type Work, type WorkDeps } from './work-state.ts';

export type { Work } from './work-state.ts';

/** A person's files as they are: one commit on `base`, with the objects that the base does not have as a git bundle. */
export interface HandedFiles {
  repository: Repository;
  base: string;
  commit: string;
  tree: string;
  /** null: nothing differs from the base. */
  bundle: Uint8Array | null;
}

export interface HandedBack {
  files: HandedFiles;
  /** The state that the person started from; null: whatever the session has. */
  pulled: string | null;
}

/** What people do from a clone of their own. All of it throws `Refusal` where things are not as they must be. */
export interface Handovers {
  /** null: the ticket has no session. */
  workOf(identifier: string, signal: AbortSignal): Promise<Work | null>;
  repositories: Repository[];
  /** The newest commit of the branch that work begins from, and where git finds what it reaches. */
  baseOf(
    repository: Repository,
    branch: string | null,
    signal: AbortSignal,
  ): Promise<{ branch: string; commit: string; objects: string }>;
  /** Files a ticket whose work begins with these files: both, or neither. */
  handOff(
    handed: {
      sentence: string;
      title: string | null;
      branch: string;
      commits: number;
      assign: boolean;
      files: HandedFiles;
    },
    by: Person,
    signal: AbortSignal,
  ): Promise<{ identifier: string; files: number; warnings: string[] }>;
  /**
   * A person's word to go on, with the files that the person hands back: both, or neither. `false`: it was at work, and
   * there was nothing to say. null: the ticket has no session.
   */
  resume(
    identifier: string,
    said: { words: string | null; back: HandedBack | null },
    by: Person,
    signal: AbortSignal,
  ): Promise<{ said: boolean; files: number; warnings: string[] } | null>;
}

export type HandoverDeps = SayDeps & WorkDeps & { config: Config };

/** More than that is not kept in the database. */
const mostBytes = 20_000_000;
const mostFiles = 5000;

export function createHandovers(deps: HandoverDeps): Handovers {
  const { db, config, desk, failpoint } = deps;

  return {
    repositories: [...deps.repositories.values()],
    workOf: (identifier, signal) => readWork(deps, identifier, signal),

    baseOf: async (repository, named, signal) => {
      const location = await refresh(deps, repository, signal);
      const branch = named ?? repository.base ?? location.defaultBranch;
      const found = await deps.workspaces.resolve(repository, branch, signal);
      if (!found) throw new Refusal(`${repository.name} has no branch "${branch}", or no commit on it.`);
      return { branch, commit: found.commit, objects: await deps.workspaces.objectsOf(repository) };
    },

    async handOff({ sentence, title, branch, commits, assign, files }, by, signal) {
      const { repository, base } = files;
      const looked = await lookThrough(deps, null, files, signal);
      if (looked.changes.length === 0) throw new Refusal(`There is nothing to hand over: no change against ${base}.`);
      failpoint('handoff/before');
      const { identifier } = await desk.createTicket(
        {
          title: title ?? titleOf(sentence),
          description: describeHandedWork({ sentence, baseBranch: branch, base, commits, files: looked.changes }),
          fields: { repository: `${repository.name}#${branch}` },
          ...(assign && { assignee: config.trackers.board.agent }),
        },
        by,
        async (tx, ticket) => {
          await addHandover(tx, ticketIdOf(ticket), { id: randomUUID(), by, ...files, repository: repository.name });
          failpoint('handoff/mid');
        },
      );
      failpoint('handoff/after');
      return { identifier, files: looked.changes.length, warnings: looked.warnings };
    },

    async resume(identifier, { words, back }, by, signal) {
      const session = await findSessionByIdentifier(db, identifier);
      if (!session) return null;
      mustBeFollowed(deps, by);
      const name = session.hint.identifier;
      const { registers, run } = await readAttention(db, session.id);
      if (!registers.given) throw new Refusal(`${name} is not assigned to Shipmate, so it does not go on. Assign it.`);
      if (registers.closed) throw new Refusal(`${name} is closed, so it does not go on. Reopen it.`);
      if (run && !run.stopRequested && words === null && !back) return { said: false, files: 0, warnings: [] };
      if (back && back.files.base !== session.baseCommit)
        throw new Refusal(
          `${name} stands on ${session.baseCommit}, and these files on ${back.files.base}. Pull it again.`,
        );
      const looked = back ? await lookThrough(deps, session.id, back.files, signal) : { changes: [], warnings: [] };
      const body = words ?? (back ? 'I have changed the files by hand. Go on from there.' : 'continue');
      failpoint('resume/before');
      // Who resumes a ticket that waits wants it to wait no longer, whatever the words; else words may be an answer.
      const means = words === null || session.waiting ? ('continue' as const) : undefined;
      await say(deps, session.id, by, { body, ...(means && { means }) }, async (client) => {
        if (back) await keepHandedBack(client, session, back, by);
        failpoint('resume/mid');
      });
      failpoint('resume/after');
      return { said: true, files: looked.changes.length, warnings: looked.warnings };
    },
  };
}

/** Only where nobody works on it, and from the state that the person saw: nothing of anybody's is written over unseen. */
async function keepHandedBack(
  client: Queryable,
  { id, ticketId, hint }: SessionRow,
  { files, pulled }: HandedBack,
  by: Person,
): Promise<void> {
  const { isAtWork, tree } = await lockForHandover(client, { id, ticketId });
  if (isAtWork)
    throw new Refusal(
      `${hint.identifier} is at work on it, so your files cannot take the place of its own. Stop it first: ` +
        `shipmate sessions stop ${hint.identifier}`,
    );
  if (pulled !== null && tree !== null && tree !== pulled && tree !== files.tree)
    throw new Refusal(
      `${hint.identifier} has gone on since you pulled it. Keep your changes (a commit, or \`git diff HEAD > mine.patch\`), pull ` +
        'it into another directory and bring them over; or hand these files back in place of its own with --force.',
    );
  await addHandover(client, ticketId, { id: randomUUID(), by, ...files, repository: files.repository.name });
}

/** What changed, as the publishing gate sees it. Nothing that looks like a secret, or that nobody could search, goes further. */
async function lookThrough(
  deps: HandoverDeps,
  /** Whose they are, if there is a session. */
  sessionId: string | null,
  files: HandedFiles,
  signal: AbortSignal,
): Promise<{ changes: Change[]; warnings: string[] }> {
  const { workspaces, config } = deps;
  const { repository, base, tree, bundle } = files;
  if (bundle && bundle.byteLength > mostBytes)
    throw new Refusal(
      `The changes come to ${megabytes(bundle.byteLength)}; at most ${megabytes(mostBytes)} can be handed over. Put what is generated into .gitignore.`,
    );
  const storeId = sessionId ?? deterministicId('handover', repository.name, files.commit);
  return refusing(async () => {
    const store = await workspaces.receive(storeId, repository, { ...files, path: null }, signal);
    try {
      const changes = await workspaces.changes(store, base, tree);
      const patch = await workspaces.diff(store, base, tree, { maxBytes: 32_000_000 });
      const limits = { files: mostFiles, bytes: 3 * mostBytes };
      const { reasons } = await inspectChange({
        changes,
        readNew: async (path) => {
          const sha = changes.find((change) => change.path === path)?.newSha;
          return sha === undefined ? null : workspaces.readBlob(store, sha, 64_000_000);
        },
        patch: patch.text,
        policy: { protectedPaths: config.policy.protectedPaths, limits },
        knownSecrets: config.secrets,
      });
      refuseFor(reasons.filter(({ rule }) => rule !== 'protected'));
      return { changes, warnings: [...warnOf(reasons), ...warnOfSize(changes, config.policy.limits)] };
    } finally {
      if (sessionId === null) await workspaces.release(storeId);
    }
  });
}

function refuseFor(reasons: GateReason[]): void {
  if (reasons.length === 0) return;
  const list = reasons.slice(0, 20).map(({ message }) => `- ${message}`);
  throw new Refusal(
    `Nothing was handed over:\n${list.join('\n')}\nTake it out of the change, or put what is only yours into .gitignore.`,
  );
}

function warnOf(reasons: GateReason[]): string[] {
  return reasons.map(
    ({ message }) => `${message} It is taken over, but the finished change will not be published with it.`,
  );
}

function warnOfSize(changes: Change[], limits: { files: number; bytes: number }): string[] {
  const bytes = changes.reduce((sum, change) => sum + change.bytes, 0);
  if (changes.length <= limits.files && bytes <= limits.bytes) return [];
  return [
    `The change touches ${changes.length} files with ${megabytes(bytes)}; one that touches more than ${limits.files} or adds more than ` +
      `${megabytes(limits.bytes)} is not published (policy.limits).`,
  ];
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 1)} MB`;
}
