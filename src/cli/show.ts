import { styleText } from 'node:util';
import type { Activity } from '../core/activity.ts';
import type { Evidence, TestCounts } from '../core/evidence.ts';
import type { Plan, PlanStepStatus } from '../core/plan.ts';

/** Text for people in a terminal; colours only where one is. */
const paint = (style: Parameters<typeof styleText>[0], text: string) =>
  styleText(style, text, { stream: process.stdout });

export const dim = (text: string) => paint('dim', text);
export const bold = (text: string) => paint('bold', text);
export const good = (text: string) => paint('green', text);
export const bad = (text: string) => paint('red', text);
export const notable = (text: string) => paint('yellow', text);

const planMarks: Record<PlanStepStatus, string> = {
  pending: '○',
  inProgress: '◐',
  completed: '●',
  canceled: '✕',
};

/** The plan, a line a step. */
export function showPlan(plan: Plan): string {
  return plan
    .map(({ content, status }) => {
      const line = `${planMarks[status]} ${content}`;
      return status === 'completed' ? good(line) : status === 'inProgress' ? bold(line) : dim(line);
    })
    .join('\n');
}

const activityMarks: Record<Activity['type'], string> = {
  thought: '·',
  action: '▸',
  elicitation: '?',
  response: '✓',
  error: '✗',
};

export function showActivity(activity: Activity): string {
  const mark = activityMarks[activity.type];
  switch (activity.type) {
    case 'thought':
      return `${mark} ${activity.body}`;
    case 'action': {
      const { action, parameter, result } = activity;
      return `${mark} ${action} ${bold(oneLine(parameter))}${result === undefined ? '' : dim(`  ${oneLine(result)}`)}`;
    }
    case 'elicitation': {
      const options = (activity.options ?? []).map((option, index) => `\n    ${index + 1}. ${option}`);
      return notable(`${mark} ${activity.body}`) + options.join('');
    }
    case 'response':
      return good(`${mark} ${activity.body}`);
    case 'error':
      return bad(`${mark} ${activity.body}`);
    default: {
      const never: never = activity;
      return String(never);
    }
  }
}

export function showEvidence(evidence: Evidence): string {
  if (evidence.type !== 'command')
    return `${evidence.name}  ${evidence.type === 'link' ? evidence.url : dim(`${evidence.mediaType}, ${evidence.bytes} bytes`)}`;
  const { where, name, exitCode, durationMs, tests } = evidence;
  const outcome = exitCode === 0 ? good('exit 0') : bad(`exit ${exitCode ?? 'killed'}`);
  return `${where.padEnd(12)} ${bold(oneLine(name))}  ${outcome}  ${showTests(tests)}${dim(` ${seconds(durationMs)}`)}`;
}

export function showTests(tests: TestCounts | null): string {
  if (!tests) return '';
  const parts = [good(`${tests.passed} passed`)];
  if (tests.failed > 0) parts.push(bad(`${tests.failed} failed`));
  if (tests.skipped > 0) parts.push(notable(`${tests.skipped} skipped`));
  return parts.join(', ');
}

/** A patch with its added and removed lines coloured. */
export function showDiff(diff: string): string {
  return diff
    .split('\n')
    .map((line) => {
      if (/^(\+\+\+|---|diff|index)/.test(line)) return dim(line);
      if (line.startsWith('+')) return good(line);
      if (line.startsWith('-')) return bad(line);
      return line;
    })
    .join('\n');
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
}

export function money(usd: number | null): string {
  return usd === null ? 'no price known' : `$${usd.toFixed(usd < 0.1 ? 4 : 2)}`;
}

/** Text of others in one line of ours: no control characters, nothing that moves the cursor or turns the text around. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
}

/** How people start it here: in a clone the npm script, which finds the right Node.js, else the installed command. */
export const shipmate = import.meta.filename.endsWith('.ts') ? 'npm run shipmate --' : 'shipmate';

/** Commands that a text names, as they are to be typed here. */
export function asTyped(text: string): string {
  return text.replaceAll(
    /(?<![\w/-])shipmate (?=(?:automations|connect|demo|doctor|handoff|install-commands|login|logout|migrate|orders|pull|resume|routes|scope|sessions|start|summary|ticket|tickets|token|tools|watch|web|worker)\b)/g,
    `${shipmate} `,
  );
}
