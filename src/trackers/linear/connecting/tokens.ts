import type { VendorError } from '../../../core/vendor-error.ts';
import type { Connections } from '../../connections.ts';
import { createClientCredentials } from './client-credentials.ts';
import { disconnected } from './disconnected.ts';
import { createIdentities } from './identity.ts';
import { createInstalls } from './oauth-installs.ts';

/** One that the app user is a member of. */
export interface Workspace {
  /** The organization's id, as webhooks name it. */
  id: string;
  name: string;
  urlKey: string;
  appUserId: string;
}

/** Tokens for the API. A personal key (`lin_api_...`) is sent as it is, any other token with "Bearer" before it. */
export interface LinearTokens {
  /** The workspaces that are connected. May make a request the first time. Throws `VendorError`. */
  workspaces(signal: AbortSignal): Promise<Workspace[]>;
  /** Those that were connected and are not any more, with why: `disconnected`, of that account. */
  lost?(): Promise<VendorError[]>;
  /**
   * A token that is believed to be good. `refused` is one that Linear has refused since: then another is got, by one process
   * for all. Throws `VendorError` `disconnected` when there is none to be had.
   */
  token(workspace: string, refused: string | null, signal: AbortSignal): Promise<string>;
}

export interface LinearTokenOptions {
  apiUrl: string;
  accessToken: string | null;
  clientId: string | null;
  clientSecret: string | null;
  /** Whether admins install the app in their workspaces; else its client credentials open one. */
  install: boolean;
  connections: Connections;
}

/** The way in that the settings say. */
export function createLinearTokens(options: LinearTokenOptions): LinearTokens {
  const { apiUrl, accessToken, clientId, clientSecret, install, connections } = options;
  if (accessToken !== null) return createFixedToken({ apiUrl, accessToken });
  if (clientId === null || clientSecret === null) throw new Error('unreachable: configured without a way in');
  const client = { apiUrl, clientId, clientSecret, connections };
  return install ? createInstalls(client) : createClientCredentials(client);
}

/** One that people made in Linear's settings: nobody but them can make another. */
function createFixedToken({ apiUrl, accessToken }: { apiUrl: string; accessToken: string }): LinearTokens {
  const identities = createIdentities(apiUrl);
  return {
    async workspaces(signal) {
      return [await identities.of('fixed', accessToken, signal)];
    },
    async token(_workspace, refused) {
      if (refused !== accessToken) return accessToken;
      throw disconnected('Linear refuses LINEAR_ACCESS_TOKEN: it was revoked, or has expired. Set a new one.');
    },
  };
}
