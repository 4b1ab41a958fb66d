import type { Check } from '../../core/check.ts';
import type { Connections } from '../connections.ts';
import type { Tracker } from '../tracker.ts';
import { installKind } from './connecting/oauth-installs.ts';
import { readSettings } from './connecting/settings.ts';
import { createLinearTokens } from './connecting/tokens.ts';
import { createLinearTracker } from './tracker.ts';

/** Linear by the settings: with the tokens that they lead to, and the team for what names none. */
export function openLinear(options: {
  agent: string;
  webhookSecrets: readonly string[];
  settings: Record<string, unknown>;
  secrets: Record<string, string | null>;
  connections: Connections;
}): Tracker {
  const { agent, webhookSecrets, connections } = options;
  const { team, ...way } = readSettings(options);
  const tokens = createLinearTokens({ ...way, connections });
  const tracker = createLinearTracker({ apiUrl: way.apiUrl, agent, webhookSecrets, tokens });
  return {
    ...tracker,
    createTicket({ id, draft }, signal) {
      return tracker.createTicket({ id, draft: { ...draft, team: draft.team ?? team } }, signal);
    },
    async check() {
      const lost = way.install ? await connections.list(installKind).catch(() => []) : [];
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
