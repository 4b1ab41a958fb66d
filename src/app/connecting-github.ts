import { type Config, webUrlOf } from '../config.ts';
import type { Check } from '../core/check.ts';
import { type AppPage, openAppPage } from '../vendors/github/connecting/app-page.ts';
import type { Keys } from '../vendors/github/connecting/asking.ts';
import { checkGitHub, lookAtGitHub } from '../vendors/github/connecting/check.ts';
import { webhookUrl } from '../vendors/github/connecting/manifest.ts';
import { type NewApp, takeNewApp } from '../vendors/github/connecting/new-app.ts';

export type { NewApp } from '../vendors/github/connecting/new-app.ts';

/** How people connect GitHub, and find out whether it is. Nothing of it needs the database or the service. */
export interface GitHubDesk {
  /** Where people look: `https://github.com`, or a server of theirs. */
  webUrl: string;
  /** Where GitHub is to send webhooks; null without `http.publicUrl`. */
  webhookUrl: string | null;
  openAppPage(options: { org: string | null; name: string; port: number; signal: AbortSignal }): Promise<AppPage>;
  takeNewApp(code: string, signal: AbortSignal): Promise<NewApp>;
  /** Where an App that was just made is installed; `[]`: nowhere yet. */
  installationsOf(app: NewApp): Promise<Check[]>;
  /** In short: whether it may work where it is to. */
  look(): Promise<Check[]>;
  /** All of it; see `checkGitHub`. */
  check(options: {
    signal: AbortSignal;
    /** For a webhook. */
    waitMs: number;
    onCheck?(check: Check): void;
    onWait?(): void;
  }): Promise<Check[]>;
}

export function openGitHubDesk(config: Config): GitHubDesk {
  const { github, githubApiUrl: apiUrl } = config;
  const { publicUrl } = config.http;
  const webUrl = webUrlOf(apiUrl);
  const hookUrl = publicUrl === null ? null : webhookUrl(publicUrl);
  const named = config.repositories.filter(({ codeHost }) => codeHost === 'github');
  const issues = config.trackers['github-issues']?.repositories ?? [];
  const known = new Set(named.map(({ location }) => location.toLowerCase()));
  const repositories = [
    ...named,
    ...issues
      .filter((location) => !known.has(location.toLowerCase()))
      .map((location) => ({ name: location, location })),
  ];
  const configured = (): Keys & { areSigned: boolean; pollSeconds: number | null } => {
    if (github === null) throw new Error('unreachable: GitHub is off');
    const { appId, privateKey, token, pollSeconds, webhookSecrets } = github;
    return { apiUrl, appId, privateKey, token, pollSeconds, areSigned: webhookSecrets.length > 0 };
  };
  return {
    webUrl,
    webhookUrl: hookUrl,
    openAppPage: (options) => openAppPage({ ...options, webUrl, publicUrl }),
    takeNewApp: (code, signal) => takeNewApp(apiUrl, code, signal),
    async installationsOf({ id, privateKey }) {
      const found = await lookAtGitHub({
        keys: { apiUrl, appId: String(id), privateKey, token: null },
        webUrl,
        repositories: [],
      });
      return found.filter(({ name }) => name.startsWith('installation ')); // what else it says is for later
    },
    async look() {
      return lookAtGitHub({ keys: configured(), webUrl, repositories });
    },
    async check(options) {
      const { areSigned, pollSeconds, ...keys } = configured();
      return checkGitHub({ ...options, keys, webUrl, repositories, webhookUrl: hookUrl, areSigned, pollSeconds });
    },
  };
}
