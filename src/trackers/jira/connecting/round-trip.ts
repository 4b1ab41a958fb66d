import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Check } from '../../../core/check.ts';
import type { TicketOperation } from '../../../core/effect.ts';
import type { StateCategory, TicketHint } from '../../../core/ticket.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import { checkWebhooks, type WebhookWatch, type WebhookWords } from '../../webhook-check.ts';
import { refOf } from '../hint.ts';
import { createNews } from '../news.ts';
import type { JiraSettings } from '../settings.ts';
import type { Site } from '../sites.ts';
import { fileTicket } from '../writing/file-ticket.ts';
import { createMemory } from '../writing/memory.ts';
import type { Desks } from '../writing/place.ts';
import { sendOperations } from '../writing/send.ts';
import { explain, messageOf, type Step, Unfit } from './failed-step.ts';

export interface RoundTripOptions {
  settings: Pick<JiraSettings, 'install' | 'project' | 'label' | 'states' | 'pollSeconds'>;
  site: Site;
  webhooks: WebhookWatch & { words: WebhookWords };
  /** Sees that there are webhooks, where the app registers them itself. */
  keepWebhooks(signal: AbortSignal): Promise<void>;
  /** Is told of the ticket, and when it was filed, before it is assigned: a service that runs begins nothing on it. */
  noteGift(ticket: TicketHint, at: string): Promise<void>;
  signal: AbortSignal;
  /** Hears of each step when it is over. */
  onCheck?(check: Check): void;
  /** Hears that webhooks are waited for, which may take `waitMs`. */
  onWait?(): void;
}

const stepMs = 60_000;
const readableWithinMs = 10_000;
const tries = 3;
const title = 'Shipmate checks its connection';
/** What the check causes, and a service has to hear. */
const told = ['jira:issue_updated', 'comment_created'];

/** Also when people have pressed Ctrl-C: nobody would know whether there is a ticket to remove. */
const unstoppable = () => AbortSignal.timeout(stepMs);

/**
 * Proves on a live site that the agent can be a member of it: files a test ticket, assigns it to the agent, writes a comment and
 * reads it back, and looks for the webhooks that this causes. Whatever comes of it, the ticket is removed. The first step that
 * fails ends it; what it found out is the last check. Never throws.
 */
export async function tryRoundTrip(options: RoundTripOptions): Promise<Check[]> {
  const { settings, site, signal, webhooks } = options;
  const checks: Check[] = [];
  const say = (check: Check) => {
    checks.push(check);
    options.onCheck?.(check);
  };
  const sites = { known: () => [site], all: async () => [site] };
  const desks: Desks = { ...settings, sites, memory: createMemory(), news: createNews() };
  let step: Step = 'account';
  let ticket: Filing | null = null;
  try {
    const own = await site.own(signal);
    say(ok(step, `the agent is "${own.displayName}" there`));
    step = 'webhooks';
    await options.keepWebhooks(signal);
    step = 'ticket';
    ticket = { hint: null, isUnsure: false };
    const at = new Date();
    const hint = await file(desks, settings.project, ticket);
    const { identifier } = hint;
    say(ok(step, `${identifier} was filed in ${hint.team}`));
    step = 'assign';
    signal.throwIfAborted();
    await options.noteGift(hint, at.toISOString());
    await assign(site, hint, own.accountId, signal);
    say(ok(step, 'it was assigned to the agent'));
    step = 'comment';
    await sayAndReadBack(desks, site, hint, signal);
    say(ok(step, 'a comment was written and read back'));
    step = 'webhooks';
    if (settings.pollSeconds !== null) say(ok(step, `none are needed: Jira is asked every ${settings.pollSeconds} s`));
    else {
      if (webhooks.areSigned) options.onWait?.();
      say(await checkWebhooks(webhooks, `"${identifier}"`, told, webhooks.words, signal));
    }
  } catch (error) {
    say(
      signal.aborted
        ? { name: step, status: 'missing', message: 'stopped before it was over' }
        : explain(step, error, settings),
    );
  }
  const tidied = ticket && (await remove(desks, site, ticket));
  if (tidied) say(tidied);
  return checks;
}

interface Filing {
  hint: TicketHint | null;
  /** It may have been filed, and nobody knows as what. */
  isUnsure: boolean;
}

/** The same filing again finds what an answer that was lost had filed. */
async function file(desks: Desks, project: string | null, ticket: Filing): Promise<TicketHint> {
  const id = randomUUID();
  const description = 'Filed by `shipmate connect jira --check`, and removed by it a moment later.';
  const nothing = { priority: 'none', labels: [], fields: {}, project: null } as const;
  const draft = { ...nothing, labels: [], title, description, team: project };
  for (let tried = 1; ; tried++)
    try {
      ticket.hint = await fileTicket(desks, { id, draft, since: new Date().toISOString() }, unstoppable());
      ticket.isUnsure = false;
      return ticket.hint;
    } catch (error) {
      const isUnsure = error instanceof VendorError && error.code === 'unavailable';
      ticket.isUnsure ||= isUnsure;
      if (!isUnsure || tried === tries) throw error;
      await delay(1_000);
    }
}

async function assign(site: Site, hint: TicketHint, accountId: string, signal: AbortSignal): Promise<void> {
  const { issues } = site.client.on(signal);
  const issueIdOrKey = idOf(hint);
  await issues.assignIssue({ issueIdOrKey, accountId });
  const { fields } = await issues.getIssue({ issueIdOrKey, fields: ['assignee'] });
  const { assignee } = (fields ?? {}) as { assignee?: { accountId?: string } | null };
  if (assignee?.accountId !== accountId)
    throw new Unfit(
      'Jira took the request, but the ticket is not assigned to the agent',
      'Look what automation or workflow of that project assigns its tickets to others.',
    );
}

async function sayAndReadBack(desks: Desks, site: Site, hint: TicketHint, signal: AbortSignal): Promise<void> {
  const word = randomUUID();
  const activity = { type: 'response', body: `Connected (${word}).` } as const;
  await carryOut(desks, hint, { kind: 'postActivity', id: randomUUID(), conversation: null, activity }, signal);
  for (const until = performance.now() + readableWithinMs; performance.now() < until; ) {
    const asked = { issueIdOrKey: idOf(hint), maxResults: 50 };
    const { comments = [] } = await site.client.on(signal).issueComments.getComments(asked);
    if (comments.some(({ body }) => JSON.stringify(body ?? null).includes(word))) return;
    await delay(500, undefined, { signal });
  }
  throw new Unfit(
    'The comment was taken, but cannot be read back',
    'Look whether the project hides comments from the agent.',
  );
}

async function carryOut(
  desks: Desks,
  hint: TicketHint,
  operation: TicketOperation,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const [sent] = await sendOperations(desks, hint, [operation], signal);
  if (!sent || 'error' in sent) throw sent?.error ?? new Error('Jira did not answer');
  return sent.result;
}

/** Also when people have pressed Ctrl-C: nothing is left behind on their site. null: there was nothing. */
async function remove(desks: Desks, site: Site, { hint, isUnsure }: Filing): Promise<Check | null> {
  const name = 'clean-up';
  const left = (message: string, remedy: string): Check => ({ name, status: 'warning', message, remedy });
  if (hint === null)
    return isUnsure
      ? left(
          'the test ticket may be there',
          `Delete it by hand: it is called "${title}", and the agent has created it.`,
        )
      : null;
  const { identifier } = hint;
  for (let tried = 1; ; tried++)
    try {
      await site.client.on(unstoppable()).issues.deleteIssue({ issueIdOrKey: idOf(hint) });
      return ok(name, `${identifier} was deleted`);
    } catch (error) {
      const { code = '', retryable = true } = error instanceof VendorError ? error : {};
      if (code === 'not_found') return ok(name, `${identifier} is gone already`);
      const closed = code === 'invalid' ? await close(desks, hint) : null;
      if (closed !== null)
        return ok(name, `${identifier} was closed: the agent may not delete tickets there (${closed})`);
      if (tried < tries && retryable) await delay(1_000);
      else return left(`${identifier} is still there: ${messageOf(error)}`, `Delete or close it by hand: ${hint.url}`);
    }
}

/** The state that it is in then; null: it cannot be closed. */
async function close(desks: Desks, hint: TicketHint): Promise<string | null> {
  const from: StateCategory[] = ['backlog', 'unstarted', 'started', 'review'];
  for (const to of ['canceled', 'done'] as const)
    try {
      const operation = { kind: 'moveTicket', id: randomUUID(), to, from } as const;
      const { state } = await carryOut(desks, hint, operation, unstoppable());
      if (typeof state === 'string') return state;
    } catch {
      // What could not be done is told by whoever asked for it.
    }
  return null;
}

function idOf(hint: TicketHint): string {
  return refOf(hint)?.issueId ?? hint.identifier;
}

function ok(name: string, message: string): Check {
  return { name, status: 'ok', message };
}
