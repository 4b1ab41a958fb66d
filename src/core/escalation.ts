import { fenced, inline, list } from './markdown.ts';
import type { Escalation, Outcome, StopReason } from './outcome.ts';
import { cleanMarkdown } from './outgoing-text.ts';

/** How it begins where the agent itself knows no way on. */
export const plea = '**I need your help.**';

type Given = Partial<Escalation> & Pick<Escalation, 'blocks'>;

/** An outcome that people must do something about. What else is known of it is added when its run ends. */
export function inEscalation(stopReason: StopReason, given: Given): Outcome {
  const escalation = { ...nothing, ...given };
  return { stopReason, message: writeEscalation(escalation), escalation };
}

const nothing: Omit<Escalation, 'blocks'> = {
  asked: '',
  tried: [],
  standing: '',
  evidence: [],
  log: null,
  snapshot: null,
  options: [],
};

/**
 * What people must do something about. null where an outcome says all that there is to say: a question does, unless there
 * is unfinished work to look at.
 */
export function escalationOf({ stopReason, message, escalation }: Outcome): Escalation | null {
  if (escalation) return escalation;
  const isCutShort = stopReason === 'budgetExceeded' || stopReason === 'loopDetected' || stopReason === 'failed';
  return isCutShort ? { ...nothing, blocks: message } : null;
}

/** The same of a question that was put to people with work unfinished; null where an outcome is none. */
export function ofQuestion({ stopReason, message, options, proposal, questions }: Outcome): Escalation | null {
  if (stopReason !== 'needsInput' || proposal || questions) return null;
  return { ...nothing, blocks: message, options: options ?? ['Answer here'] };
}

/** What people can do where the outcome itself names nothing. */
export function waysOn(stopReason: StopReason): string[] {
  return stopReason === 'failed'
    ? ['Say "continue" to try again from the last finished step.']
    : ['Say "continue" to give it another run', 'Say here what to do instead'];
}

/** A question stays what it is; what there is to look at stands below it in two lines at most. */
export function writeQuestion({ blocks, evidence, snapshot }: Escalation, ticket: string): string {
  const last = evidence.at(-1);
  const lines = [
    snapshot === null ? '' : writeSnapshot(snapshot),
    last === undefined
      ? ''
      : `**Last run:** ${inline(last, 300)}; \`shipmate pull ${inline(ticket, 80)}\` has the log.`,
  ];
  return [blocks, lines.filter((line) => line !== '').join('\n')].filter((part) => part !== '').join('\n\n');
}

/**
 * One structure wherever people must act: what blocks comes first and can stand alone, as in a notification; parts with
 * nothing in them are left out.
 */
export function writeEscalation(escalation: Escalation): string {
  const { asked, tried, blocks, standing, evidence, log, snapshot, options } = escalation;
  const [only] = options;
  const parts = [
    cleanMarkdown(blocks, 6000),
    asked === '' ? '' : `**Asked:** ${inline(asked, 1000)}`,
    tried.length === 0 ? '' : `**Tried:**\n${list(tried, 20, 1000)}`,
    standing,
    evidence.length === 0 ? '' : `**Evidence:**\n${list(evidence, 20, 500)}`,
    log === null || log.trim() === '' ? '' : fenced(log, 3000),
    snapshot === null ? '' : writeSnapshot(snapshot),
    only === undefined
      ? ''
      : options.length === 1
        ? cleanMarkdown(only, 1000)
        : `**What now?**\n${list(options, 10, 300)}`,
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function writeSnapshot(snapshot: NonNullable<Escalation['snapshot']>): string {
  return 'branch' in snapshot
    ? `**Snapshot:** the work so far, neither finished nor proved, goes to the branch \`${snapshot.branch}\`.`
    : `**Snapshot:** the work so far is kept and not pushed (${inline(snapshot.because, 300)}); \`shipmate pull ${inline(snapshot.ticket, 80)}\` brings it to you.`;
}
