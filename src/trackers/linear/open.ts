import type { Check } from '../../core/check.ts';
import type { Connections } from '../connections.ts';
import type { Tracker } from '../tracker.ts';
import { installKind } from './connecting/oauth-installs.ts';
import { createLinearTokens } from './connecting/tokens.ts';
import type { LinearSettings } from './settings.ts';
import { createLinearTracker } from './tracker.ts';

/** Linear by the settings: with the tokens that they lead to, and the team for what names none. */
export function openLinear(settings: LinearSettings, { connections }: { connections: Connections }): Tracker {
  const { agent, webhookSecrets, team, install, apiUrl } = settings;
  const tokens = createLinearTokens({ ...settings, connections });
  const tracker = createLinearTracker({ apiUrl, agent, webhookSecrets, tokens });
  return {
    ...tracker,
    createTicket({ id, draft }, signal) {
      return tracker.createTicket({ id, draft: { ...draft, team: draft.team ?? team } }, signal);
    },
    async check() {
      const lost = install ? await connections.list(installKind).catch(() => []) : [];
      return [...(await tracker.check()), ...lost.flatMap(tellLost)];
    },
  };
}

function tellLost({ id, about, lost }: Awaited<ReturnType<Connections['list']>>[number]): Check[] {
  if (lost === null) return [];
  const name = (about as { name?: string } | null)?.name ?? id;
  const remedy = 'Install the app there again: `shipmate connect linear` prints the page.';
  return [{ name: 'tracker linear', status: 'missing', message: `the workspace ${name} was lost: ${lost}`, remedy }];
}
