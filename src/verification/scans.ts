import { type CommandRun, excess, type Finding, stateOf } from '../core/proof.ts';
import { shorten } from './reading/lines.ts';

/** One run of a scanner, with what it found in a form that can be compared. Plain JSON. */
export interface ScanRun extends CommandRun {
  found: string[];
}

/**
 * What a scanner's output finds, without the numbers that an edit elsewhere in the file shifts. JSON and SARIF are read by
 * their fields; of plain text, the lines that name a place in a file or a severity.
 */
export function findingsIn(output: string, dir: string): string[] {
  const text = output.replaceAll(`${dir}/`, '').replaceAll(dir, '.');
  const json = parseWhole(text);
  const found = json === undefined ? ofLines(text) : ofJson(json);
  return found.slice(0, 5000);
}

/** Only what is new counts. A scanner that fails without saying anything that can be compared counts by its exit code. */
export function compareScans(base: ScanRun, head: ScanRun): Finding[] {
  if (stateOf(head) === 'notRunnable')
    return stateOf(base) === 'notRunnable'
      ? [{ weight: 'remark', text: `The scan \`${head.command}\` cannot be started (exit ${head.exitCode}).` }]
      : [
          {
            weight: 'regression',
            text: `The scan \`${head.command}\` ran on the base and cannot be started on the change.\n${head.log}`,
          },
        ];
  const fresh = excess(head.found, base.found);
  if (fresh.length) {
    const shown = fresh.slice(0, 20).map((one) => `- ${shorten(one)}`);
    return [
      { weight: 'regression', text: `The scan \`${head.command}\` finds ${fresh.length} new:\n${shown.join('\n')}` },
    ];
  }
  if (stateOf(base) === 'green' && stateOf(head) === 'red')
    return [
      {
        weight: 'regression',
        text: `The scan \`${head.command}\` is newly red (exit ${head.exitCode}).\n${head.log.slice(-2000)}`,
      },
    ];
  return [];
}

function parseWhole(text: string): unknown {
  const start = text.search(/^[[{]/m);
  if (start < 0) return undefined;
  try {
    return JSON.parse(text.slice(start));
  } catch {
    return undefined;
  }
}

const places = [
  'path',
  'file',
  'filename',
  'filePath',
  'uri',
  'check_id',
  'ruleId',
  'rule_id',
  'rule',
  'code',
  'id',
  'name',
  'message',
  'title',
];

/** One finding for each object that names a rule or message; its own words and those of what it sits in. */
function ofJson(value: unknown, context: string[] = []): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => ofJson(one, context));
  if (typeof value !== 'object' || value === null) return [];
  const entries = Object.entries(value);
  const own = places.flatMap((key) => {
    const word = (value as Record<string, unknown>)[key];
    const nested = typeof word === 'object' && word !== null && 'text' in word ? word.text : word;
    return typeof nested === 'string' && nested ? [withoutNumbers(nested)] : [];
  });
  const where = key(value, 'locations')
    ? JSON.stringify(key(value, 'locations'))
        .match(/"uri":"[^"]+"/g)
        ?.join(' ')
    : undefined;
  const words = [...context, ...own, ...(where ? [where] : [])];
  const inner = entries.flatMap(([name, one]) => (name === 'locations' ? [] : ofJson(one, words)));
  const isFinding = ['message', 'check_id', 'ruleId', 'rule_id', 'severity'].some(
    (name) => key(value, name) !== undefined,
  );
  return isFinding && inner.length === 0 ? [words.join(' | ')] : inner;
}

function key(value: object, name: string): unknown {
  return (value as Record<string, unknown>)[name];
}

function ofLines(text: string): string[] {
  const found: string[] = [];
  let file = '';
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    if (/^[\w./@-]+\.\w+$/.test(trimmed)) file = trimmed;
    const place = /[\w./@-]+\.\w+[:(]\d+/.test(trimmed);
    const severity = /\b(error|warning|warn|critical|high|moderate|medium|low|CVE-\d+|GHSA-\w+)\b/i.test(trimmed);
    const summary =
      /^\W*\d+ (errors?|warnings?|problems?|vulnerabilit|findings?|issues?|moderate|high|low|critical)/i.test(
        trimmed,
      ) || /^(found|\W*summary)/i.test(trimmed);
    if ((place || severity) && !summary) found.push(withoutNumbers(place || !file ? trimmed : `${file}: ${trimmed}`));
  }
  return found;
}

function withoutNumbers(text: string): string {
  return text
    .replace(/(^|: )\d+:\d+/, '$1N:N')
    .replace(/([:(,])\d+(?=[:,)\s]|$)/g, '$1N')
    .replace(/\b\d+(\.\d+)? ?(ms|s|seconds?)\b/g, 'N')
    .replace(/\s+/g, ' ')
    .trim();
}
