import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { LinearClient, User } from '@linear/sdk';
import type { Check } from '../../../core/check.ts';
import { cleanLine } from '../../../core/outside-text.ts';
import type { TicketHint } from '../../../core/ticket.ts';
import { checkWebhooks, type WebhookWatch } from '../../webhook-check.ts';
import { personsToken } from '../check.ts';
import { hintOf } from '../hint.ts';
import { authorizedBy } from './authorization.ts';
import { codeOf, explain, isRefusal, messageOf, type Step, Unfit, wasNotDone } from './failed-step.ts';
import type { LinearTokens } from './tokens.ts';
import { ofSessions, webhookWords } from './webhook-check.ts';

export interface RoundTripOptions {
  apiUrl: string;
  /** Name or key of the team that the test ticket is filed in; null: the first one. */
  team: string | null;
  tokens: LinearTokens;
  workspace: string;
  webhooks: WebhookWatch;
  /** Is told of the ticket, and when it was filed, before it is delegated: a service that runs begins nothing on it. */
  noteGift(ticket: TicketHint, at: string): Promise<void>;
  signal: AbortSignal;
  /** Hears of each step when it is over. */
  onCheck?(check: Check): void;
  /** Hears that webhooks are waited for, which may take `waitMs`. */
  onWait?(): void;
}

const requestMs = 20_000;
const readableWithinMs = 10_000;
/** So often it is tried, with a second between, to archive the ticket. */
const archiveTries = 3;
const unstoppable = new AbortController().signal;

/** Its id is ours: whatever became of filing it, it can be archived by that. */
interface TestTicket {
  id: string;
  /** null: it is not known whether it was filed. */
  identifier: string | null;
}

/**
 * Proves in a live workspace that the agent can be a member of it: files a test ticket, delegates it to the app, says
 * something in an agent session and reads it back, and looks for the webhooks that this causes. Whatever comes of it, the
 * ticket is archived. The first step that fails ends it; what it found out is the last check. Never throws.
 */
export async function tryRoundTrip(options: RoundTripOptions): Promise<Check[]> {
  const { signal, webhooks } = options;
  const checks: Check[] = [];
  const say = (check: Check) => {
    checks.push(check);
    options.onCheck?.(check);
  };
  let step: Step = 'token';
  let ticket: TestTicket | null = null;
  let client: LinearClient | null = null;
  const call = <T>(what: () => PromiseLike<T>) => within(what, signal);
  try {
    const { linear, app } = await openClient(options);
    client = linear;
    const name = cleanLine(app.name, 100);
    if (!app.app) throw new Unfit(personsToken(name).message, personsToken(name).remedy);
    say(ok(step, `the app is "${name}" there`));
    step = 'ticket';
    const team = await findTeam(linear, options, call);
    ticket = { id: randomUUID(), identifier: null };
    try {
      await fileTicket(linear, { id: ticket.id, teamId: team.id });
    } catch (error) {
      if (wasNotDone(error)) ticket = null;
      throw error;
    }
    const { id: issueId } = ticket;
    const issue = await call(() => linear.issue(issueId));
    ticket.identifier = issue.identifier;
    say(ok(step, `${issue.identifier} was filed in ${cleanLine(team.name, 100)}`));
    step = 'delegate';
    const { identifier, title, url, priority } = issue;
    const hint = hintOf(options.workspace, { id: issueId, identifier, title, url, priority, team, project: null });
    await options.noteGift(hint, issue.createdAt.toISOString());
    await call(() => linear.updateIssue(issueId, { delegateId: app.id }));
    const { delegateId } = await call(() => linear.issue(issueId));
    if (delegateId !== app.id) throw new Unfit('Linear took the request, but the ticket has no delegate');
    say(ok(step, 'it was delegated to the app'));
    step = 'session';
    const { agentSessionId } = await call(() => linear.agentSessionCreateOnIssue({ issueId }));
    if (agentSessionId === undefined) throw new Unfit('Linear answered without an agent session');
    step = 'activity';
    await sayAndReadBack(linear, agentSessionId, call, signal);
    say(ok(step, 'an activity was posted and read back'));
    step = 'webhooks';
    if (webhooks.areSigned) options.onWait?.();
    say(await checkWebhooks(webhooks, issueId, [ofSessions], webhookWords(webhooks.url), signal));
  } catch (error) {
    say(
      signal.aborted ? { name: step, status: 'missing', message: 'stopped before it was over' } : explain(step, error),
    );
  }
  const tidied = client && ticket && (await archive(client, ticket));
  if (tidied) say(tidied);
  return checks;
}

/** On a token that Linear takes, and whose it is: one that it refuses is replaced once. */
async function openClient({ apiUrl, tokens, workspace, signal }: RoundTripOptions) {
  const { LinearClient } = await import('@linear/sdk');
  const open = async (token: string): Promise<{ linear: LinearClient; app: User }> => {
    const linear = new LinearClient({ apiUrl, ...authorizedBy(token) });
    return { linear, app: await within(() => linear.viewer, signal) };
  };
  const token = await tokens.token(workspace, null, signal);
  try {
    return await open(token);
  } catch (error) {
    if (codeOf(error) !== 'unauthorized') throw error;
    return open(await tokens.token(workspace, token, signal));
  }
}

type Call = <T>(what: () => PromiseLike<T>) => Promise<T>;

async function findTeam(client: LinearClient, { team: wanted }: RoundTripOptions, call: Call) {
  const { nodes } = await call(() => client.teams({ first: 100 }));
  const fits = (name: string) => wanted !== null && name.toLowerCase() === wanted.toLowerCase();
  const team = wanted === null ? nodes[0] : nodes.find(({ key, name }) => fits(key) || fits(name));
  if (team) return { id: team.id, name: team.name };
  const there = nodes.map(({ key }) => key).join(', ');
  throw there === ''
    ? new Unfit('the app can see no team', "Give it access to one on the app's page in the workspace's settings.")
    : new Unfit(
        `the app can see no team "${wanted}"; it sees ${there}`,
        'Correct trackers.linear.team in shipmate.yaml, or give the app access to that team.',
      );
}

/** Not to be stopped: nobody would know whether there is a ticket to archive. */
async function fileTicket(client: LinearClient, where: { id: string; teamId: string }): Promise<void> {
  const title = 'Shipmate checks its connection';
  const description = 'Filed by `shipmate connect linear --check`, and archived by it a moment later.';
  await within(() => client.createIssue({ ...where, title, description }), unstoppable);
}

/** As a response, so that the agent session is over. */
async function sayAndReadBack(client: LinearClient, session: string, call: Call, signal: AbortSignal): Promise<void> {
  const body = `Connected (${randomUUID()}).`;
  await call(() => client.createAgentActivity({ agentSessionId: session, content: { type: 'response', body } }));
  for (const until = performance.now() + readableWithinMs; performance.now() < until; ) {
    const { nodes } = await call(async () => (await client.agentSession(session)).activities({ first: 50 }));
    if (nodes.some(({ content }) => 'body' in content && content.body === body)) return;
    await delay(500, undefined, { signal });
  }
  throw new Unfit('The activity was taken, but cannot be read back');
}

/** Also when people have pressed Ctrl-C: nothing is left behind in their workspace. null: there was nothing. */
async function archive(client: LinearClient, { id, identifier }: TestTicket): Promise<Check | null> {
  const name = 'clean-up';
  for (let tries = 1; ; tries++)
    try {
      const { success } = await within(() => client.archiveIssue(id), unstoppable);
      if (!success) throw new Error('Linear did not archive it');
      return ok(name, `${identifier ?? 'the test ticket'} was archived`);
    } catch (error) {
      const isGone = codeOf(error) === 'not_found';
      if (isGone && identifier !== null) return ok(name, `${identifier} is gone already`);
      // One that was filed this very moment may not be there yet.
      if (tries < archiveTries && (isGone || !isRefusal(error))) await delay(1_000);
      else if (isGone) return null;
      else {
        const what = identifier === null ? 'the test ticket may be there' : `${identifier} is still there`;
        const remedy = `Archive it by hand${identifier === null ? ': it is called "Shipmate checks its connection"' : ''}.`;
        return { name, status: 'warning', message: `${what}: ${messageOf(error)}`, remedy };
      }
    }
}

async function within<T>(what: () => PromiseLike<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const limit = AbortSignal.any([signal, AbortSignal.timeout(requestMs)]);
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.aborted ? signal.reason : new Error(`no answer within ${requestMs / 1000} s`));
  });
  limit.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([what(), stopped]);
  } finally {
    limit.removeEventListener('abort', stop);
  }
}

function ok(name: string, message: string): Check {
  return { name, status: 'ok', message };
}
