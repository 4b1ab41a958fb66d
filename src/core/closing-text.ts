import type { RestReason } from './attention.ts';
import { cleanText } from './outgoing-text.ts';
import type { Plan } from './plan.ts';

/** `gone`: its ticket was not to be found. `rejected`: people said no to what it proposed. */
export type StopCause = RestReason | 'gone' | 'rejected';

/** Where a session stands when it is stopped. */
export interface Standing {
  /** Of the ticket: "ENG-123". */
  identifier: string;
  reason: StopCause;
  /** The reason in a sentence, where there is more to say than in general. */
  why?: string;
  plan: Plan;
  /** Paths that were changed so far; null: there are some, and nobody has looked which. */
  files: string[] | null;
  /** What was pushed. */
  branch: string | null;
  pullRequest: { url: string } | null;
  /** It led sub-tickets. */
  leads?: boolean;
}

/** Why it stopped, in one sentence. */
export const stopReasons: Record<StopCause, string> = {
  stopped: 'Stopped, as you asked.',
  taken: 'Stopped: the ticket was given to someone else.',
  closed: 'Stopped: the ticket was closed.',
  gone: 'Stopped: the ticket was not to be found any more.',
  rejected: 'Stopped: what I proposed was rejected.',
};

const waysOn: Record<StopCause, string> = {
  stopped: 'Say "continue" to go on from here, or just say what to do.',
  taken: 'Give the ticket back to me, and I go on from here.',
  closed: 'Reopen the ticket to go on from here.',
  gone: 'When it is there again, I go on from here.',
  rejected: 'Say what should be different, and I propose it anew; "approve" takes the no back.',
};

const stillLed =
  'I begin no further sub-ticket, and the plan here is not kept up to date any more. Those that I have taken go on: stop them one by one.';

const shown = { files: 20, steps: 30 };

/** The last word of a run that was stopped: where things stand, and how to go on. */
export function writeStopped(standing: Standing): string {
  const { reason, plan } = standing;
  const parts = [
    standing.why ?? stopReasons[reason],
    writePlan(plan),
    standing.leads ? stillLed : `${writeFiles(standing.files)} ${writePublished(standing)}`,
    `${waysOn[reason]}${writeTakeOver(standing)}`,
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** Whoever has the ticket now may want to go on from the same place. */
function writeTakeOver({ reason, identifier, files }: Standing): string {
  if (reason !== 'taken' || files?.length === 0) return '';
  return ` To go on yourself: \`shipmate pull ${identifier}\` brings branch, files and log into your clone.`;
}

function writePlan(plan: Plan): string {
  if (plan.length === 0) return '';
  const done = plan.filter(({ status }) => status === 'completed').length;
  const steps = plan
    .slice(0, shown.steps)
    .map(({ status, content }) => `- [${status === 'completed' ? 'x' : ' '}] ${cleanText(content, 300)}`);
  return [`Of the plan, ${done} of ${plan.length} steps are done:`, ...steps].join('\n');
}

function writeFiles(files: string[] | null): string {
  if (files === null) return 'What was changed so far is kept.';
  if (files.length === 0) return 'Nothing was changed yet.';
  const names = files.slice(0, shown.files).map((path) => `\`${cleanText(path.replaceAll('`', "'"), 200)}\``);
  const more = files.length - names.length;
  return `Changed so far, and kept: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`;
}

function writePublished({ branch, pullRequest }: Standing): string {
  if (pullRequest) return `The pull request stays open: ${pullRequest.url}`;
  return branch === null
    ? 'There is no branch and no pull request yet.'
    : `The branch \`${branch}\` is pushed; there is no pull request yet.`;
}
