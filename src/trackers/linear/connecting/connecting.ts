import type { Check } from '../../../core/check.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import type { ConnectDesk, Connecting, ConnectParts, ConnectStep } from '../../connecting.ts';
import { lookAtWorkspace } from '../check.ts';
import { createLinearClient } from '../client.ts';
import type { LinearSettings } from '../settings.ts';
import { whyDisconnected } from './disconnected.ts';
import { beginInstall, finishInstall, type InstallOptions, installKind } from './oauth-installs.ts';
import { tryRoundTrip } from './round-trip.ts';
import { createLinearTokens } from './tokens.ts';
import { appSettings, ingress, isOff, switchOn, wayIn } from './words.ts';

export const connecting: Connecting<LinearSettings | null> = {
  steps(linear, http): ConnectStep[] {
    const secrets = linear?.webhookSecrets.length ?? 0;
    const several = secrets > 1 ? ': two of them, while one replaces the other' : '';
    return [
      { title: 'An address that Linear can reach', done: http.publicUrl !== null, lines: ingress(http) },
      { title: 'An app in Linear', done: linear !== null, lines: appSettings(http.publicUrl, linear !== null) },
      {
        title: 'Its keys in the environment of the service',
        done: secrets > 0,
        lines:
          linear && secrets > 0
            ? [`${wayIn(linear)}.`, `LINEAR_WEBHOOK_SECRET is set${several}.`]
            : switchOn(linear !== null),
      },
    ];
  },
  lastStep: { title: 'A workspace', later: 'It is looked for when the steps above are done.' },
  isOff,
  open: openDesk,
};

const reinstall = 'Install the app there again, by the page below.';

function openDesk(linear: LinearSettings, parts: ConnectParts): ConnectDesk {
  const { connections } = parts;
  const tokens = createLinearTokens({ ...linear, connections });
  const client = createLinearClient({ apiUrl: linear.apiUrl, tokens });
  const redirectUri = parts.addressOf('oauth/linear/callback');
  const installs = installOptions(linear, parts);
  return {
    async look(signal) {
      const all = linear.install ? await connections.list(installKind) : [];
      const lost = all.flatMap(({ id, about, lost: why }): Check[] => {
        const name = (about as { name?: string } | null)?.name ?? id;
        return why === null ? [] : [{ name, status: 'missing', message: `it was lost: ${why}`, remedy: reinstall }];
      });
      try {
        const found = await Promise.all(
          (await tokens.workspaces(signal)).map(async (workspace): Promise<Check> => {
            const { message, ...rest } = await lookAtWorkspace(client, workspace, signal);
            return { name: workspace.name, message: whyDisconnected(message), ...rest };
          }),
        );
        signal.throwIfAborted();
        return [...found, ...lost.map((check): Check => ({ ...check, status: 'warning' }))];
      } catch (error) {
        if (!(error instanceof VendorError)) throw error;
        if (lost.length > 0) return lost;
        return [{ name: 'No workspace', status: 'missing', message: whyDisconnected(error.message) }];
      }
    },
    async beginInstall() {
      if (installs === null) return { url: null, lines: [] };
      if (redirectUri === null)
        return { url: null, lines: ['Installing needs http.publicUrl in shipmate.yaml: the answer comes back there.'] };
      const { url } = await beginInstall(installs, redirectUri);
      return {
        url,
        lines: [
          'An admin of the workspace opens this page within ten minutes, while the service runs; once for each workspace:',
          url,
          `The app's settings in Linear must name the callback URL ${redirectUri}`,
        ],
      };
    },
    async finishInstall(answer, signal) {
      if (installs === null)
        throw new VendorError('There is nothing to install here.', { code: 'not_found', retryable: false });
      return (await finishInstall(installs, answer, signal)).name;
    },
    async accounts(signal) {
      const all = await tokens.workspaces(signal);
      return all.map(({ id, name, urlKey }) => ({ id, name, key: urlKey, address: `linear.app/${urlKey}` }));
    },
    async check({ account, waitMs = 30_000, ...options }) {
      const since = await parts.now();
      const { apiUrl, team, webhookSecrets } = linear;
      const webhooks = {
        arrivals: (naming: string) => parts.arrivals({ event: { header: 'linear-event' }, naming, since }),
        url: parts.addressOf('webhooks/linear'),
        areSigned: webhookSecrets.length > 0,
        waitMs,
      };
      const { noteGift } = parts;
      return tryRoundTrip({ apiUrl, team, tokens, workspace: account, webhooks, noteGift, ...options });
    },
  };
}

function installOptions(linear: LinearSettings, { connections }: ConnectParts): InstallOptions | null {
  const { apiUrl, clientId, clientSecret, install } = linear;
  return !install || clientId === null || clientSecret === null
    ? null
    : { apiUrl, clientId, clientSecret, connections };
}
