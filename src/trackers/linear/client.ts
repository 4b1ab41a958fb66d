import { setTimeout as delay } from 'node:timers/promises';
import { type Budgets, paceMs, readBudgets } from './budget.ts';
import { authorizedBy } from './connecting/authorization.ts';
import { disconnected } from './connecting/disconnected.ts';
import type { LinearTokens } from './connecting/tokens.ts';
import { LinearError, readError } from './errors.ts';

export interface LinearClient {
  /**
   * One HTTP request to the API. Throws `LinearError`, and `VendorError` `disconnected` where no good token is to be had: a
   * refused one is changed for another once. Near the end of what Linear allows in an hour it waits some seconds, or throws
   * `rate_limited` without having asked.
   */
  request<Data>(
    workspace: string,
    document: string,
    variables: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<Data>;
}

const answerWithinMs = 20_000;
/** A longer wait is the caller's: the account is closed for everybody meanwhile. */
const waitsAtMostMs = 5_000;

export function createLinearClient(options: {
  apiUrl: string;
  tokens: LinearTokens;
  now?: () => number;
}): LinearClient {
  const { apiUrl, tokens, now = Date.now } = options;
  const told = new Map<string, Budgets>();

  /** The turns that were given out already stay, whatever this answer says is left. */
  function note(workspace: string, headers: Headers): void {
    const taken = told.get(workspace)?.at ?? 0;
    told.set(workspace, { ...readBudgets(headers, now()), at: Math.max(taken, now()) });
  }

  async function send<Data>(
    workspace: string,
    token: string,
    document: string,
    variables: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<Data> {
    // A quarter of a second to load: not at the start of every command.
    const { LinearClient: Sdk } = await import('@linear/sdk');
    const until = AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]);
    const sdk = new Sdk({ ...authorizedBy(token), apiUrl, signal: until });
    try {
      const { data, headers } = await sdk.client.rawRequest<Data, Record<string, unknown>>(document, variables);
      if (headers) note(workspace, headers);
      return data as Data;
    } catch (error) {
      signal.throwIfAborted();
      const headers = (error as { raw?: { response?: { headers?: Headers } } }).raw?.response?.headers;
      if (headers) note(workspace, headers);
      throw readError(error, now(), workspace);
    }
  }

  /** Near the end each takes its turn behind those that wait: nothing is awaited between looking and taking. */
  async function keepPace(workspace: string, signal: AbortSignal): Promise<void> {
    const budgets = told.get(workspace);
    const at = now();
    const waitMs = budgets ? Math.ceil(paceMs(budgets, at)) : 0;
    if (waitMs > waitsAtMostMs)
      throw new LinearError('What Linear allows in an hour is nearly used up, so requests wait for one another.', {
        ...{ code: 'rate_limited', retryable: true, retryAfterMs: waitMs, account: workspace },
      });
    if (budgets) told.set(workspace, { ...budgets, at: Math.max(budgets.at, at + waitMs) });
    if (waitMs > 0) await delay(waitMs, undefined, { signal });
  }

  return {
    async request(workspace, document, variables, signal) {
      signal.throwIfAborted();
      await keepPace(workspace, signal);
      const token = await tokens.token(workspace, null, signal);
      try {
        return await send(workspace, token, document, variables, signal);
      } catch (error) {
        if (!isRefusedToken(error)) throw error;
      }
      const other = await tokens.token(workspace, token, signal);
      try {
        return await send(workspace, other, document, variables, signal);
      } catch (error) {
        throw isRefusedToken(error) ? disconnected('it refuses even a new token.', workspace) : error;
      }
    },
  };
}

function isRefusedToken(error: unknown): boolean {
  return error instanceof LinearError && error.code === 'unauthorized';
}
