import type { Check } from '../../../core/check.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import type { ConnectDesk, Connecting, ConnectParts } from '../../connecting.ts';
import { lookAtSite } from '../check.ts';
import { disconnected } from '../errors.ts';
import type { JiraSettings } from '../settings.ts';
import type { Site } from '../sites.ts';
import { keepWebhooks } from './dynamic-webhooks.ts';
import { explain, messageOf } from './failed-step.ts';
import { beginInstall, finishInstall, namesOf } from './oauth-installs.ts';
import { installOptions, openSites } from './open-sites.ts';
import { tryRoundTrip } from './round-trip.ts';
import { account, isOff, keys, news, webhookWords } from './words.ts';

export const connecting: Connecting<JiraSettings | null> = {
  steps: (jira, http) => [account(jira), keys(jira, http), news(jira, http)],
  lastStep: { title: 'A site', later: 'It is looked for when the steps above are done.' },
  isOff,
  open: openDesk,
};

function openDesk(jira: JiraSettings, parts: ConnectParts): ConnectDesk {
  const { connections } = parts;
  const installs = installOptions(jira, connections);
  const redirectUri = parts.addressOf('oauth/jira/callback');
  const opened = openSites(jira, connections);
  opened.catch(() => {}); // whoever needs it hears of it
  const looking = async () => ({ ...jira, sites: await opened, now: Date.now });
  const registerWebhooks = async (signal: AbortSignal) => {
    if (installs !== null) await keepWebhooks({ sites: await opened, url: jira.webhookUrl, connections }, signal);
  };
  return {
    async look(signal) {
      const sites = await opened;
      const desks = await looking();
      const tell = (error: VendorError, status: Check['status']): Check => {
        const { message, remedy } = explain('account', error, jira);
        return { name: error.account ?? 'No site', status, message, ...(!jira.install && remedy && { remedy }) };
      };
      try {
        const found = await Promise.all(
          (await sites.all(signal)).map(async (site): Promise<Check> => {
            const { message, ...rest } = await lookAtSite(desks, site, signal);
            return { name: site.host, message: rest.status === 'ok' ? message : messageOf({ message }), ...rest };
          }),
        );
        signal.throwIfAborted();
        const lost = (await sites.lost?.()) ?? [];
        return [...found, ...lost.map((error) => tell(error, jira.install ? 'warning' : 'missing'))];
      } catch (error) {
        if (!(error instanceof VendorError)) throw error;
        const lost = (await sites.lost?.()) ?? [];
        return (lost.length > 0 ? lost : [error]).map((each) => tell(each, 'missing'));
      }
    },
    async beginInstall() {
      if (installs === null) return { url: null, lines: [] };
      if (redirectUri === null)
        return { url: null, lines: ['OAuth needs http.publicUrl in shipmate.yaml: the answer comes back there.'] };
      const { url } = await beginInstall(installs, redirectUri);
      return {
        url,
        lines: [
          "Signed in to Atlassian as the agent's account, open this page within ten minutes, while the service runs; once for each site:",
          url,
          `The app must name the callback URL ${redirectUri}`,
        ],
      };
    },
    async finishInstall(answer, signal) {
      if (installs === null)
        throw new VendorError('There is nothing to install here.', { code: 'not_found', retryable: false });
      const { sites } = await finishInstall(installs, answer, signal);
      // Where Jira cannot take them now, the service sees to it within the hour.
      await registerWebhooks(signal).catch(() => {});
      return namesOf(sites);
    },
    async accounts(signal) {
      const all = await (await opened).all(signal);
      return all.map(({ host, url }) => ({ id: host, name: host, key: host.split('.')[0] ?? host, address: url }));
    },
    async check({ account: host, waitMs = 30_000, ...options }) {
      const since = await parts.now();
      const site = await siteCalled(host);
      const url = jira.install ? jira.webhookUrl : parts.addressOf('webhooks/jira');
      const webhooks = {
        arrivals: (naming: string) => parts.arrivals({ event: { field: 'webhookEvent' }, naming, since }),
        ...{ url, waitMs, words: webhookWords(jira, url) },
        areSigned: jira.install || jira.webhookSecrets.length > 0,
      };
      const { noteGift } = parts;
      return tryRoundTrip({ settings: jira, site, webhooks, keepWebhooks: registerWebhooks, noteGift, ...options });
    },
  };

  /** One of `accounts`. */
  async function siteCalled(host: string): Promise<Site> {
    const site = (await opened).known().find((each) => each.host === host);
    if (!site) throw disconnected(host, `${host} is none of the sites that the agent is connected to.`);
    return site;
  }
}
