import type { Octokit } from 'octokit';

/** What opens GitHub: an App's key, or a token of a user. */
export interface Keys {
  apiUrl: string;
  appId: string | null;
  privateKey: string | null;
  token: string | null;
}

/** Ways to ask, each by its own right. They throw octokit's `RequestError`; `whatFailed` says it for people. */
export interface Asking {
  /** As the App itself; null: there is a token. */
  asApp: Octokit | null;
  /** As one of the App's installations; with a token it is that. */
  asInstallation(id: number): Promise<Octokit>;
  /** By a token; null: there is an App. */
  asUser: Octokit | null;
}

const answerWithinMs = 20_000;

/** Nothing is asked yet. For people who wait at a terminal: what fails is told at once and not tried again. */
export async function openAsking(keys: Keys): Promise<Asking> {
  const { App, Octokit: Base } = await import('octokit');
  const Ours = Base.defaults({
    baseUrl: keys.apiUrl,
    userAgent: 'shipmate',
    retry: { enabled: false },
    throttle: { enabled: false },
    log: { debug() {}, info() {}, warn() {}, error() {} },
    request: {
      headers: { 'x-github-api-version': '2022-11-28' },
      fetch: (url: string, init: RequestInit) =>
        fetch(url, {
          ...init,
          signal: AbortSignal.any([...(init.signal ? [init.signal] : []), AbortSignal.timeout(answerWithinMs)]),
        }),
    },
  });
  if (keys.token !== null) {
    const asUser = new Ours({ auth: keys.token });
    return { asApp: null, asInstallation: async () => asUser, asUser };
  }
  const app = new App({ appId: keys.appId ?? '', privateKey: keys.privateKey ?? '', Octokit: Ours });
  return { asApp: app.octokit, asInstallation: (id) => app.getInstallationOctokit(id), asUser: null };
}

/** The status of GitHub's answer; 0: there was none. */
export function statusOf(error: unknown): number {
  const { status, response } = error as { status?: number; response?: unknown };
  return response === undefined ? 0 : (status ?? 0);
}

/** What it said, without anything of ours. */
export function whatFailed(error: unknown): string {
  const { response, message, cause } = error as {
    response?: { data?: { message?: unknown } };
    message?: string;
    cause?: Error;
  };
  const status = statusOf(error);
  const said = response?.data?.message;
  if (status === 0) return `no answer (${cause?.message ?? message ?? 'unknown'})`;
  return typeof said === 'string' && said !== '' ? `${status}, "${said.slice(0, 200)}"` : `HTTP ${status}`;
}
