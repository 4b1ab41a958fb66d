import { oneLine } from '../outside-text.ts';

/** What a tool says when GitHub says no: what happened, and what a model, or the people behind it, can do. */
export async function explainFailure(
  response: Response,
  { repository, what }: { repository: string; what: string },
): Promise<Error> {
  const said = await messageOf(response);
  const { status, headers } = response;
  const wait = waitOf(headers, status, said);
  if (wait !== null)
    return new Error(
      `GitHub's rate limit is used up; it takes requests again in ${wait}. Go on without, or ask again then.`,
    );
  if (status === 401)
    return new Error(
      'GitHub refused the token: it is wrong or has expired. Whoever started this server has to give it a new one.',
    );
  if (status === 403) {
    const needs = headers.get('x-accepted-github-permissions');
    return new Error(
      `GitHub does not let this token read the ${what} (${said})${needs ? `; it needs ${oneLine(needs, 100)}` : ''}. Whoever started this server has to mend that.`,
    );
  }
  if (status === 404)
    return new Error(`${repository} has no ${what}, or the token may not see it. Check what you passed.`);
  if (status === 410)
    return new Error(
      `GitHub keeps the ${what} no longer (logs are kept for 90 days, or less). Only a new run brings one.`,
    );
  if (status === 422) return new Error(`GitHub finds no ${what} in ${repository} (${said}). Check what you passed.`);
  return new Error(`GitHub failed with HTTP ${status} (${said}). Try again in a minute, or go on without.`);
}

export function explainUnreachable(host: string, error: Error): Error {
  const cause = error.cause as { code?: string; message?: string } | undefined;
  const reason = cause?.code ?? cause?.message ?? error.message;
  return new Error(`${host} could not be reached (${oneLine(reason, 100)}). Try again in a minute, or go on without.`);
}

/** In words; null: no limit was hit. */
function waitOf(headers: Headers, status: number, said: string): string | null {
  const isLimit =
    status === 429 || (status === 403 && (headers.get('x-ratelimit-remaining') === '0' || /rate limit/i.test(said)));
  if (!isLimit) return null;
  const after = Number(headers.get('retry-after')) || Number(headers.get('x-ratelimit-reset')) - Date.now() / 1000;
  const seconds = Number.isFinite(after) && after > 0 ? after : 60;
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}

async function messageOf(response: Response): Promise<string> {
  const text = (await response.text().catch(() => '')).slice(0, 100_000);
  if (/^\s*</.test(text)) return /<!doctype html|<html/i.test(text) ? 'a page of HTML' : 'a page of XML';
  try {
    return oneLine(String(JSON.parse(text).message), 200);
  } catch {
    return oneLine(text, 200) || 'nothing more was said';
  }
}
