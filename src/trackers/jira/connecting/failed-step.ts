import type { Check } from '../../../core/check.ts';
import { cleanLine } from '../../../core/outside-text.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import type { JiraSettings } from '../settings.ts';
import { permissions } from './words.ts';

/** Of the round trip. */
export type Step = 'account' | 'ticket' | 'assign' | 'comment' | 'webhooks';

/** Jira answered, but not with what was asked for. */
export class Unfit extends Error {
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

const needed: Record<Step, string> = {
  account: 'Browse projects',
  ticket: 'Create issues',
  assign: 'Assign issues" and "Assignable user',
  comment: 'Add comments',
  webhooks: 'Browse projects',
};

/** Which of what people have to set up is missing. */
export function explain(step: Step, error: unknown, { install }: Pick<JiraSettings, 'install'>): Check {
  const said = messageOf(error);
  const missing = (message: string, remedy: string): Check => ({ name: step, status: 'missing', message, remedy });
  if (error instanceof Unfit) return missing(said, error.remedy);
  if (!(error instanceof VendorError)) return missing(said, 'That should not be; the message says what it was.');
  if (error.code === 'disconnected')
    return missing(
      said,
      install
        ? 'Let the agent in again: `shipmate connect jira` prints the page.'
        : 'See that JIRA_EMAIL is the address of the account that JIRA_API_TOKEN belongs to, that the token has not ended, and that the account has access to Jira on this site. A token of a service account needs scopes.',
    );
  if (error.code === 'unauthorized')
    return missing(
      said,
      'The scopes of a token cannot be changed: make another with all that `shipmate connect jira` names.',
    );
  if (error.code === 'rate_limited')
    return missing(
      said,
      'Nothing is wrong with the connection by that. Check again later; a service that runs waits by itself.',
    );
  if (error.retryable)
    return missing(
      said,
      'Look whether Jira itself is well (jira-software.status.atlassian.com), and what proxy or firewall is between it and here; then check again.',
    );
  if (step === 'webhooks')
    return missing(
      said,
      "The message is Jira's own. Until it takes them, what happens is looked up every some minutes.",
    );
  return missing(
    said,
    `Give the agent's account the permission "${needed[step]}" in that project (or another project in trackers.jira.project). It needs: ${permissions}.`,
  );
}

/** Without the way out, for people who are on it. */
export function messageOf(error: unknown): string {
  const text = (error as Error).message ?? String(error);
  return cleanLine(
    text
      .replace(/ Look with `shipmate connect jira --check`.*$/, '')
      .replace(/ `shipmate connect jira` shows the way\..*$/, '')
      .replace(/ See that its account has the permissions.*$/, ''),
    600,
  ).replace(/[.\s]+$/, '');
}
