import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { LinearClient } from '@linear/sdk';
import type { Check } from '../../../core/check.ts';
import { cleanLine } from '../../../core/outside-text.ts';
import { authorizedBy } from './authorization.ts';
import { isDisconnected } from './disconnected.ts';
import type { LinearTokens } from './tokens.ts';
import { checkWebhooks, type WebhookWatch } from './webhook-check.ts';

export interface RoundTripOptions {
  apiUrl: string;
  /** Name or key of the team that the test ticket is filed in; null: the first one. */
  team: string | null;
  tokens: LinearTokens;
  workspace: string;
  webhooks: WebhookWatch;
  signal: AbortSignal;
  /** Hears of each step when it is over. */
  onCheck?(check: Check): void;
}

const requestMs = 20_000;
const readableWithinMs = 10_000;

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
  let ticket: { id: string; identifier: string } | null = null;
  let client: LinearClient | null = null;
  const call = <T>(what: () => PromiseLike<T>) => within(what, signal);
  try {
    client = await openClient(options);
    const app = await call(() => (client as LinearClient).viewer);
    say(ok(step, `the app is "${cleanLine(app.name, 100)}" there`));
    step = 'ticket';
    const team = await findTeam(client, options, call);
    ticket = await fileTicket(client, team.id, call);
    say(ok(step, `${ticket.identifier} was filed in ${cleanLine(team.name, 100)}`));
    step = 'delegate';
    const { id: issueId } = ticket;
    const linear = client;
    await call(() => linear.updateIssue(issueId, { delegateId: app.id }));
    const { delegateId } = await call(() => linear.issue(issueId));
    if (delegateId !== app.id) throw new Error('Linear took the request, but the ticket has no delegate.');
    say(ok(step, 'it was delegated to the app'));
    step = 'session';
    const { agentSessionId } = await call(() => linear.agentSessionCreateOnIssue({ issueId }));
    if (agentSessionId === undefined) throw new Error('Linear answered without an agent session.');
    step = 'activity';
    await sayAndReadBack(linear, agentSessionId, call, signal);
    say(ok(step, 'an activity was posted and read back'));
    for (const check of await checkWebhooks(webhooks, issueId, signal)) say(check);
  } catch (error) {
    say(explain(step, error));
  }
  if (client !== null && ticket !== null) say(await archive(client, ticket));
  return checks;
}

type Step = 'token' | 'ticket' | 'delegate' | 'session' | 'activity';

/** On a token that Linear takes: one that it refuses is replaced once. */
async function openClient({ apiUrl, tokens, workspace, signal }: RoundTripOptions): Promise<LinearClient> {
  const { LinearClient } = await import('@linear/sdk');
  const open = (token: string) => new LinearClient({ apiUrl, ...authorizedBy(token) });
  const token = await tokens.token(workspace, null, signal);
  const client = open(token);
  try {
    await within(() => client.viewer, signal);
    return client;
  } catch (error) {
    if (!isAuthentication(error)) throw error;
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
  throw new Error(
    there === ''
      ? "The app can see no team. Give it access to one on the app's page in the workspace's settings."
      : `The app can see no team "${wanted}"; it sees ${there}. Correct trackers.linear.team, or give it access.`,
  );
}

async function fileTicket(client: LinearClient, teamId: string, call: Call) {
  const filed = await call(() =>
    client.createIssue({
      id: randomUUID(),
      teamId,
      title: 'Shipmate checks its connection',
      description: 'Filed by `shipmate connect linear --check`, and archived by it a moment later.',
    }),
  );
  const { issueId } = filed;
  if (issueId === undefined) throw new Error('Linear answered without a ticket.');
  const { identifier } = await call(() => client.issue(issueId));
  return { id: issueId, identifier };
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
  throw new Error('The activity was taken, but cannot be read back.');
}

/** Also when people have pressed Ctrl-C: nothing is left behind in their workspace. */
async function archive(client: LinearClient, { id, identifier }: { id: string; identifier: string }): Promise<Check> {
  try {
    const { success } = await within(() => client.archiveIssue(id), new AbortController().signal);
    if (success) return { name: 'clean-up', status: 'ok', message: `${identifier} was archived` };
    throw new Error('Linear did not archive it');
  } catch (error) {
    const message = `${identifier} is still there: ${messageOf(error)}`;
    return { name: 'clean-up', status: 'warning', message, remedy: 'Archive it by hand.' };
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

/** Which of what people have to set up is missing. */
function explain(step: Step, error: unknown): Check {
  const said = messageOf(error);
  const missing = (message: string, remedy: string): Check => ({ name: step, status: 'missing', message, remedy });
  if (isDisconnected(error)) return missing(error.message, 'Correct what it names, then check again.');
  if (isAuthentication(error))
    return missing(
      `Linear refuses the token (${said})`,
      'Look whether the app still exists and its secret is the one in LINEAR_CLIENT_SECRET; set a new LINEAR_ACCESS_TOKEN where you use that.',
    );
  if (/not enabled for this application/i.test(said))
    return missing(
      `the app takes no agent sessions (${said})`,
      'Switch on webhooks and the category "Agent session events" on the app\'s page in Linear, then authorize the app again: a category that is added later counts only from then on.',
    );
  if (step === 'delegate' && !isPassing(error))
    return missing(
      `the app cannot be given a ticket (${said})`,
      'It lacks the scope app:assignable, or has no access to that team. Authorize it again with both app: scopes, and look at its teams in the workspace’s settings.',
    );
  if (isForbidden(error))
    return missing(
      `a scope is missing (${said})`,
      `Authorize the app again with ${step === 'ticket' ? 'issues:create' : 'write and app:mentionable'}; \`shipmate connect linear\` lists all that it needs.`,
    );
  return missing(said, 'If Linear itself is well (linearstatus.com), look at the message; else check again later.');
}

function isAuthentication(error: unknown): boolean {
  const { type, status } = error as { type?: unknown; status?: unknown };
  return type === 'AuthenticationError' || status === 401;
}

function isForbidden(error: unknown): boolean {
  const { type, status } = error as { type?: unknown; status?: unknown };
  return type === 'Forbidden' || status === 403 || /scope|permission|forbidden/i.test(messageOf(error));
}

/** Linear itself was not well, or could not be reached. */
function isPassing(error: unknown): boolean {
  const { type, status } = error as { type?: unknown; status?: unknown };
  return (
    ['NetworkError', 'InternalError', 'Ratelimited', 'LockTimeout'].includes(String(type)) ||
    (typeof status === 'number' && status >= 500) ||
    /^no answer within/.test(messageOf(error))
  );
}

/** What Linear says to people, where it does. */
function messageOf(error: unknown): string {
  const { errors, message } = error as { errors?: { message?: string }[]; message?: string };
  return cleanLine(errors?.[0]?.message ?? message ?? String(error), 300).replace(/[.\s]+$/, '');
}
