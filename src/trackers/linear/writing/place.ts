import type { TicketHint } from '../../../core/ticket.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import type { LinearClient } from '../client.ts';
import { disconnectedFrom } from '../connecting/disconnected.ts';
import type { LinearTokens, Workspace } from '../connecting/tokens.ts';
import { refOf } from '../hint.ts';
import type { WorkspaceCache } from '../workspace-cache.ts';

/** What writing takes. */
export interface SendDeps {
  client: LinearClient;
  tokens: LinearTokens;
  cache: WorkspaceCache;
}

/** Where operations on one issue go. */
export interface Place extends SendDeps {
  workspace: string;
  /** The app's own user there. */
  appUser: string;
  hint: TicketHint;
  signal: AbortSignal;
}

/** What a request takes. */
export type Asking = Pick<Place, 'client' | 'workspace' | 'signal'>;

/** The workspace that a ticket is in; where its hint does not say, the only one, or the first. */
export async function workspaceOf({ tokens }: SendDeps, hint: TicketHint, signal: AbortSignal): Promise<Workspace> {
  const wanted = refOf(hint)?.workspace ?? null;
  const workspaces = await tokens.workspaces(signal);
  const found = wanted === null ? workspaces[0] : workspaces.find(({ id }) => id === wanted);
  if (found) return found;
  throw disconnectedFrom(hint);
}

export function refusal(code: 'not_found' | 'invalid', message: string): VendorError {
  return new VendorError(message, { code, retryable: false });
}
