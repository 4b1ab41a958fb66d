import type { Tracker } from '../tracker.ts';
import { checkWorkspaces } from './check.ts';
import { createLinearClient } from './client.ts';
import type { LinearTokens } from './connecting/tokens.ts';
import { LinearError } from './errors.ts';
import { refOf } from './hint.ts';
import { createUploadReader } from './reading/attachments.ts';
import { elsewhereIn, readEvents, verifyDelivery, workspaceIn } from './reading/delivery.ts';
import { isAsked } from './reading/is-asked.ts';
import { listTickets } from './reading/list-tickets.ts';
import { type IssueSeen, readTicket } from './reading/read-ticket.ts';
import { listTeams, searchTickets } from './reading/search-tickets.ts';
import { suggestRepositories } from './reading/suggest-repositories.ts';
import { createWorkspaceCache } from './workspace-cache.ts';
import { answerElsewhere } from './writing/answer-elsewhere.ts';
import { fileTicket } from './writing/file-ticket.ts';
import { memoryOf } from './writing/memory.ts';
import { sendOperations } from './writing/send.ts';

/** So long are activities that nobody waits for gathered, to go out together: a turn or two. */
const gatherMs = 15_000;
/** Which workspaces are connected is asked at most this often. */
const askAgainAfterMs = 60_000;

export const viewerDocument = 'query TryAccess { viewer { id } }';

/** Linear, with all workspaces that are connected, as the agent sees it. */
export function createLinearTracker(options: {
  apiUrl: string;
  /** The agent's name, as people write it in a mention. */
  agent: string;
  /** What webhooks are signed with; two while one is changed for the other. */
  webhookSecrets: readonly string[];
  tokens: LinearTokens;
  now?: () => number;
}): Tracker {
  const { apiUrl, agent, webhookSecrets, tokens, now = Date.now } = options;
  const client = createLinearClient({ apiUrl, tokens, now });
  const cache = createWorkspaceCache(client, now);
  const uploads = createUploadReader({ apiUrl, tokens });
  const memory = memoryOf(client);
  const seen = (issue: IssueSeen, asked: number) => memory.see({ ...issue, isMentioned: null }, asked);
  const reading = { apiUrl, client, tokens, cache, uploads, seen, now, withoutNeeds: new Map<string, number>() };
  const writing = { client, tokens, cache };
  const appUsers = new Map<string, string>();
  const trying = new Set<string>();
  let askedAt: number | null = null;

  /**
   * Events of issues do not say which account is ours; events of agent sessions do, and so does whoever holds the tokens.
   * That is asked in the background: nobody who reads an event can wait.
   */
  function learn(body: Uint8Array): void {
    const told = workspaceIn(body);
    if (told?.appUser) appUsers.set(told.workspace, told.appUser);
    if (told?.issue) memory.told(told.issue);
    if (told?.isAccessChanged) {
      cache.forget(told.workspace);
      reading.withoutNeeds.delete(told.workspace);
      tryAccess(told.workspace);
    }
    if (askedAt !== null && now() - askedAt < askAgainAfterMs) return;
    askedAt = now();
    tokens.workspaces(AbortSignal.timeout(askAgainAfterMs)).then(
      (all) => {
        for (const { id, appUserId } of all) appUsers.set(id, appUserId);
      },
      () => {},
    );
  }

  /**
   * Whether our token still counts: where it does not, the connection is noted as lost, before anything is to be sent. What
   * a delivery says of that alone is no proof: it may be an old one.
   */
  function tryAccess(workspace: string): void {
    if (trying.has(workspace)) return;
    trying.add(workspace);
    client
      .request(workspace, viewerDocument, {}, AbortSignal.timeout(askAgainAfterMs))
      .catch(() => {})
      .finally(() => trying.delete(workspace));
  }

  return {
    kind: 'linear',
    source: 'linear',
    gatherMs,

    verifyDelivery(headers, body) {
      const verified = verifyDelivery(webhookSecrets, headers, body, now());
      learn(body);
      return { ...verified, isBroad: workspaceIn(body)?.isAccessChanged === true };
    },

    readEvents(delivery) {
      learn(delivery.body);
      const elsewhere = elsewhereIn(delivery.body);
      if (elsewhere) answerElsewhere(client, elsewhere).catch(() => {});
      return readEvents({ agent, appUsers, apiUrl }, delivery.body);
    },

    readTicket: (hint, signal) => readTicket(reading, hint, signal),

    async readAttachment(hint, id, signal) {
      signal.throwIfAborted();
      const ref = refOf(hint);
      if (ref) return uploads.read(ref.workspace, id, signal);
      throw new LinearError('The ticket was never read, so it has no files.', { code: 'not_found', retryable: false });
    },

    send: (hint, operations, signal) => sendOperations(writing, hint, operations, signal),
    createTicket: (filing, signal) => fileTicket(writing, filing, signal),
    listTickets: (query, cursor, signal) => listTickets(reading, query, cursor, signal),
    searchTickets: (words, limit, signal) => searchTickets(reading, words, limit, signal),
    listTeams: (signal) => listTeams(reading, signal),
    isAsked: (hint, signal) => isAsked(reading, hint, signal),
    suggestRepositories: (hint, candidates, signal) => suggestRepositories(reading, hint, candidates, signal),
    check: () => checkWorkspaces(reading),
  };
}
