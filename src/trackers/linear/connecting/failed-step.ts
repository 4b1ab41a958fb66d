import type { Check } from '../../../core/check.ts';
import { cleanLine } from '../../../core/outside-text.ts';
import { VendorError } from '../../../core/vendor-error.ts';
import { reasonOf } from '../../token-endpoint.ts';
import { readError } from '../errors.ts';

/** Of the round trip. */
export type Step = 'token' | 'ticket' | 'delegate' | 'session' | 'activity' | 'webhooks';

/** Linear answered, but not with what was asked for. */
export class Unfit extends Error {
  readonly remedy: string | null;

  constructor(message: string, remedy: string | null = null) {
    super(message);
    this.remedy = remedy;
  }
}

/** Which of what people have to set up is missing. */
export function explain(step: Step, error: unknown): Check {
  const said = messageOf(error);
  const missing = (message: string, remedy: string): Check => ({ name: step, status: 'missing', message, remedy });
  const code = codeOf(error);
  if (code === 'disconnected') return missing(said, 'Correct what it names, then check again.');
  if (error instanceof Unfit && error.remedy !== null) return missing(said, error.remedy);
  if (code === 'unauthorized')
    return missing(
      `Linear refuses the token (${said})`,
      'Look whether the app still exists and its secret is the one in LINEAR_CLIENT_SECRET; set a new LINEAR_ACCESS_TOKEN where you use that.',
    );
  if (code === 'rate_limited')
    return missing(
      'Linear asks us to wait: what it allows in an hour is used up',
      'Nothing is wrong with the connection by that. Check again later; a service that runs waits by itself.',
    );
  if (/not enabled for this application/i.test(said))
    return missing(
      `the app takes no agent sessions (${said})`,
      'Switch on webhooks and the category "Agent session events" on the app\'s page in Linear, then authorize the app again: a category that is added later counts only from then on.',
    );
  if (!isRefusal(error))
    return missing(
      said,
      'Look whether Linear itself is well (linearstatus.com), and what proxy or firewall is between it and here; then check again.',
    );
  if (step === 'delegate')
    return missing(
      `the app cannot be given a ticket (${said})`,
      "It lacks the scope app:assignable, or has no access to that team. Authorize it again with both app: scopes, and look at its teams in the workspace's settings.",
    );
  if (isForbidden(error))
    return missing(
      `a scope is missing (${said})`,
      `Authorize the app again with ${step === 'ticket' ? 'issues:create' : 'write and app:mentionable'}; \`shipmate connect linear\` lists all that it needs.`,
    );
  return missing(said, "The message is Linear's own: look at the app and the team that it names, then check again.");
}

/** As `VendorError.code` has it. */
export function codeOf(error: unknown): string {
  return told(error).code;
}

/** Linear did not do it, and will not do it the next time. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Unfit || !told(error).retryable;
}

/** Else nobody knows whether it was: the answer may have been lost. */
export function wasNotDone(error: unknown): boolean {
  return isRefusal(error) || codeOf(error) === 'rate_limited';
}

/** What Linear says to people, where it does. */
export function messageOf(error: unknown): string {
  const { errors, status, raw, message } = error as Partial<FromSdk> & { message?: string };
  const words =
    errors?.[0]?.message ??
    (status
      ? `Linear answered HTTP ${status}`
      : raw
        ? `Linear cannot be reached: ${reasonOf(raw)}`
        : (message ?? String(error)));
  return cleanLine(words, 300).replace(/[.\s]+$/, '');
}

/** The SDK's own error. */
interface FromSdk {
  errors: { message?: string }[];
  status: number;
  /** What was thrown in place of an answer. */
  raw: unknown;
}

function told(error: unknown): VendorError {
  return error instanceof VendorError ? error : readError(error, Date.now());
}

function isForbidden(error: unknown): boolean {
  const { type, status } = error as { type?: unknown; status?: unknown };
  return type === 'Forbidden' || status === 403 || /scope|permission|forbidden/i.test(messageOf(error));
}
