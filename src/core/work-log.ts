import type { Activity } from './activity.ts';
import type { Evidence } from './evidence.ts';
import { cleanLine, cleanText } from './outside-text.ts';
import type { Plan } from './plan.ts';
import type { SessionState } from './session.ts';

/** A tool call as the journal has it. */
export interface LoggedCall {
  at: Date;
  tool: string;
  input: unknown;
  text: string;
  isError: boolean;
}

/** What a session did, for somebody who goes on by hand. All text in it was written by others. */
export interface WorkLog {
  ticket: { identifier: string; title: string; url: string };
  state: SessionState;
  plan: Plan;
  activities: { at: Date; activity: Activity }[];
  calls: LoggedCall[];
  evidence: { at: Date; evidence: Evidence }[];
}

export interface FailedCommand {
  at: Date;
  command: string;
  output: string;
  /** Of the agent's own shell, or of the checks that the service ran on a clean checkout. */
  by: 'agent' | 'verification';
}

interface RanCommand extends FailedCommand {
  failed: boolean;
}

/** The last command that failed, and did not succeed since; null where there is none. */
export function lastFailed({ calls, evidence }: Pick<WorkLog, 'calls' | 'evidence'>): FailedCommand | null {
  const ran = [...calls.flatMap(asRan), ...evidence.flatMap(asProved)].sort((a, b) => a.at.getTime() - b.at.getTime());
  const mended = new Set<string>();
  for (const { failed, ...command } of ran.reverse()) {
    if (failed && !mended.has(command.command)) return command;
    if (!failed) mended.add(command.command);
  }
  return null;
}

function asRan({ at, tool, input, text, isError }: LoggedCall): RanCommand[] {
  const command = (input as { command?: unknown } | null)?.command;
  if (tool !== 'bash' || typeof command !== 'string') return [];
  return [{ at, command: cleanText(command), output: cleanText(text), by: 'agent', failed: isError }];
}

/** On the change itself: what fails on the base is not what is to be mended. */
function asProved({ at, evidence }: WorkLog['evidence'][number]): RanCommand[] {
  if (evidence.type !== 'command' || evidence.where !== 'head') return [];
  const { command, exitCode, log } = evidence;
  const output = cleanText(`exit ${exitCode ?? 'killed'}\n${log}`);
  return [{ at, command: cleanText(command), output, by: 'verification', failed: exitCode !== 0 }];
}

/** The whole of it as text, in the order in which it happened. */
export function writeWorkLog(log: WorkLog): string {
  const entries = [
    ...log.activities.flatMap(({ at, activity }) => [{ at, text: sayActivity(activity) }]),
    ...log.calls.map(({ at, ...call }) => ({ at, text: sayCall(call) })),
    ...log.evidence.map(({ at, evidence }) => ({ at, text: sayEvidence(evidence) })),
  ].sort((a, b) => a.at.getTime() - b.at.getTime());
  const { identifier, title, url } = log.ticket;
  const failed = lastFailed(log);
  return [
    `${cleanLine(identifier)} ${cleanLine(title)}\n${cleanLine(url)}\nThe session is ${log.state}.`,
    ...(log.plan.length === 0 ? [] : [`Plan:\n${writePlan(log.plan)}`]),
    ...(failed === null ? [] : [`Last failing command (${failed.by}):\n$ ${failed.command}\n${failed.output}`]),
    ...entries.map(({ at, text }) => `--- ${at.toISOString()}\n${text}`),
  ]
    .join('\n\n')
    .concat('\n');
}

/** The checklist as plain text. */
export function writePlan(plan: Plan): string {
  const mark = { completed: 'x', inProgress: '>', pending: ' ', canceled: '-' };
  return plan.map(({ status, content }) => `[${mark[status]}] ${cleanLine(content)}`).join('\n');
}

function sayActivity(activity: Activity): string {
  if (activity.type !== 'action') return `${activity.type}: ${cleanText(activity.body)}`;
  const { action, parameter, result } = activity;
  return cleanText(`${action} ${parameter}${result === undefined ? '' : `: ${result}`}`);
}

function sayCall({ tool, input, text }: Omit<LoggedCall, 'at'>): string {
  const command = tool === 'bash' ? (input as { command?: unknown } | null)?.command : undefined;
  const call = typeof command === 'string' ? `$ ${command}` : `${tool} ${JSON.stringify(input)}`;
  return cleanText(`${call}\n${text}`);
}

function sayEvidence(evidence: Evidence): string {
  if (evidence.type !== 'command') return cleanText(`${evidence.type}: ${evidence.name}`);
  const { command, where, exitCode, log } = evidence;
  return cleanText(`checked on ${where}: $ ${command}\nexit ${exitCode ?? 'killed'}\n${log}`);
}
