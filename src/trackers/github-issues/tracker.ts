import { z } from 'zod';
import type { Repository } from '../../core/repository.ts';
import type { Tracker } from '../tracker.ts';
import { type Ask, createApi } from './api.ts';
import { checkTracker } from './check.ts';
import { refOf } from './hint.ts';
import { isOwn, type Own } from './people.ts';
import { createUploadReader } from './reading/attachments.ts';
import { readEvents } from './reading/delivery.ts';
import { isAsked } from './reading/is-asked.ts';
import { listTickets } from './reading/list-tickets.ts';
import { readMarkings } from './reading/markings.ts';
import { repositoryIn } from './reading/payload.ts';
import { readTicket } from './reading/read-ticket.ts';
import { listTeams, searchTickets } from './reading/search-tickets.ts';
import { createRepositories } from './repositories.ts';
import { isSame } from './states.ts';
import { fileTicket } from './writing/file-ticket.ts';
import { createMemory } from './writing/memory.ts';
import { locate, refusal } from './writing/place.ts';
import { sendOperations } from './writing/send.ts';

/** So long are activities that nobody waits for gathered, to go out together: a turn or two. */
const gatherMs = 15_000;
const learnWithinMs = 60_000;

/** How GitHub is reached; `src/vendors/github` does it. */
export interface GitHubAccess {
  /** Where people look. */
  webUrl: string;
  ask: Ask;
  /** A token that reads a repository, for what is not behind the API. */
  token(repository: string, signal: AbortSignal): Promise<string>;
  /** An App is not among those whom GitHub lets have an issue. */
  isApp: boolean;
  /** Whose account it is. */
  identity(signal: AbortSignal): Promise<Own>;
  /** Throws `VendorError` `unauthorized` or `invalid`. */
  verifyDelivery(headers: Record<string, string>, body: Uint8Array): { deliveryId: string };
}

/** GitHub Issues of some repositories, as the agent sees them. */
export function createGitHubIssuesTracker(options: {
  access: GitHubAccess;
  /** The agent's name, as people write it in a mention. */
  agent: string;
  /** An issue that has it is the agent's. */
  label: string;
  /** "owner/name" */
  repositories: () => readonly string[];
  pageSize?: number;
  fetch?: typeof fetch | undefined;
}): Tracker {
  const { access, agent, label, pageSize = 100 } = options;
  const { webUrl } = access;
  const api = createApi(access.ask);
  const repositories = createRepositories(api, options.repositories);
  const uploads = createUploadReader({ webUrl, token: access.token, fetch: options.fetch });
  /** Until GitHub was asked, by our name. */
  let known: Own = { login: access.isApp ? `${agent}[bot]` : agent, names: [agent], appId: null };
  const own = async (signal: AbortSignal) => {
    const account = await access.identity(signal);
    known = { ...account, names: [...new Set([agent, ...account.names])] };
    return { ...known, mayBeAssigned: !access.isApp };
  };
  const desks = { api, repositories, memory: createMemory(), label, own };
  const reading = { ...desks, webUrl, uploads, pageSize };
  let hasLearned = false;

  /** Who may write where, and who we are, is asked in the background: nobody who reads an event can wait. */
  function learn(event: string, content: unknown): void {
    const place = repositoryIn(content);
    if (place) repositories.told(place);
    if (isBroad(event)) {
      repositories.forget();
      hasLearned = false;
    }
    if (hasLearned) return;
    hasLearned = true;
    const signal = AbortSignal.timeout(learnWithinMs);
    Promise.all([own(signal), repositories.all(signal)]).catch(() => {
      hasLearned = false;
    });
  }

  /** Somebody speaks, or gives an issue to the agent. */
  function isUrgent(event: string, content: unknown): boolean {
    const { data: told } = urgency.safeParse(content);
    if (told?.sender.type !== 'User') return false;
    if (event === 'issue_comment' || event === 'pull_request_review_comment') return told.action === 'created';
    if (event === 'pull_request_review') return told.action === 'submitted';
    if (event !== 'issues') return false;
    return told.action === 'labeled'
      ? isSame(told.label?.name ?? '', label)
      : told.action === 'assigned' && isOwn(told.assignee, known);
  }

  return {
    kind: 'github-issues',
    source: 'github',
    gatherMs,

    verifyDelivery(headers, body) {
      const verified = access.verifyDelivery(headers, body);
      const content = parse(body);
      const event = headers['x-github-event'] ?? '';
      learn(event, content);
      return { ...verified, isBroad: isBroad(event), isUrgent: isUrgent(event, content) };
    },

    readEvents(delivery) {
      const content = parse(delivery.body);
      const event = delivery.headers['x-github-event'] ?? '';
      learn(event, content);
      return readEvents({ label, webUrl, own: known, repositories }, event, content);
    },

    readTicket: (hint, signal) => readTicket(reading, hint, signal),

    async readAttachment(hint, id, signal) {
      const { repository } = await locate(repositories, hint, signal);
      return uploads.read(repository, id, signal);
    },

    send: (hint, operations, signal) => sendOperations(desks, hint, operations, signal),
    createTicket: (filing, signal) => fileTicket(desks, filing, signal),
    listTickets: (query, cursor, signal) => listTickets(reading, query, cursor, signal),
    searchTickets: (words, limit, signal) => searchTickets(reading, words, limit, signal),
    listTeams: (signal) => listTeams(reading, signal),
    isAsked: (hint, signal) => isAsked(reading, hint, signal),
    readMarkings: (hint, since, signal) => readMarkings(reading, hint, since, signal),

    /** An issue is about the repository that it is in, if nothing else says so. */
    async suggestRepositories(hint, candidates, signal) {
      const ref = refOf(hint);
      if (!ref) throw refusal('not_found', 'The ticket was never read, so nobody knows where it is.');
      const { repository } = await locate(repositories, hint, signal);
      const isThere = ({ location }: Pick<Repository, 'location'>) => isSame(location, repository);
      return candidates.filter(isThere).map(({ name }) => ({ name, confidence: 1, why: 'where the issue is filed' }));
    },

    check: () => checkTracker(desks, options.repositories()),
  };
}

/** What is about no one issue: which repositories we see, what they are called, who may write there. */
function isBroad(event: string): boolean {
  return /^installation/.test(event) || event === 'repository' || event === 'member';
}

const urgency = z.object({
  action: z.string(),
  sender: z.object({ type: z.string() }),
  label: z.object({ name: z.string() }).nullish(),
  assignee: z.object({ id: z.number(), login: z.string() }).nullish(),
});

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return null;
  }
}
