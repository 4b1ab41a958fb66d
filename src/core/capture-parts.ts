import type { Capture, CapturedError, Checkout, CodePlace, Concern } from './capture.ts';
import { grouped } from './cut-text.ts';
import { errorStart } from './error-fingerprint.ts';
import { codeSpan, fenced, inline } from './markdown.ts';
import { cleanMarkdown, dropHidden } from './outgoing-text.ts';

/*
 * The parts of a captured ticket, in Markdown. '' where there is nothing to say. Words of others call nobody, hide nothing
 * and pose as no part of ours. What is cut says so where it was.
 */

/** How long each part may be, in characters; of snippets each. */
export interface Room {
  what: number;
  snippet: number;
  evidence: number;
  items: number;
  expected: number;
  environment: number;
}

const most = { places: 20, items: 50 };

/** A fence is one wherever it stands: what reads the ticket takes one that is far in for one, too. */
export function writeWords(text: string, limit: number): string {
  const visible = dropHidden(text.slice(0, 4 * limit));
  return cleanMarkdown(visible.replace(/^[^\S\n]+(?=`{3}|~{3})/gm, '   '), limit);
}

/** `link`: where a place is seen as it was; null: nowhere. */
export function writePlaces(
  places: readonly CodePlace[],
  checkout: Checkout | null,
  link: (place: CodePlace) => string | null,
  room: Room,
): string {
  if (places.length === 0) return '';
  const shown = places.slice(0, most.places).map((place) => {
    const name = codeSpan(`${place.path}${linesOf(place)}`, 300);
    const url = link(place)
      ?.replace(/[\s()<>]/g, encodeURIComponent)
      .replace(/[()]/g, (c) => (c === '(' ? '%28' : '%29'));
    const title = `${url === undefined ? name : `[${name}](${url})`}${checkout === null ? '' : standing(place, checkout)}`;
    const snippet = place.snippet?.replace(/^\n+|\s+$/g, '') ?? '';
    if (snippet === '' || room.snippet === 0) return title;
    const language = /\.([a-z][a-z0-9]{0,9})$/i.exec(place.path)?.[1]?.toLowerCase() ?? '';
    return `${title}\n\n${fenced(snippet, room.snippet, language)}`;
  });
  const leftOut = [
    ...(places.length > most.places ? [`… and ${places.length - most.places} more places`] : []),
    ...(room.snippet === 0 && places.some(({ snippet }) => snippet)
      ? ['(The code itself is left out: too long.)']
      : []),
  ];
  return [unpublished(checkout), ...shown, ...leftOut].filter((part) => part !== '').join('\n\n');
}

function linesOf({ from, to }: CodePlace): string {
  if (from === null) return '';
  return to === null || to === from ? `:${from}` : `:${from}-${to}`;
}

/** Where nobody else can see any of it. */
function unpublished(checkout: Checkout | null): string {
  if (checkout === null) return '';
  if (checkout.commit === null) return 'Nothing of it is committed yet.';
  return checkout.published === null ? 'Nothing of it is pushed yet, as far as the clone knows.' : '';
}

/** What stands between the lines that people see and those that were seen. */
function standing({ path }: CodePlace, { edited, unpublished }: Pick<Checkout, 'edited' | 'unpublished'>): string {
  if (unpublished.includes(path)) return ' (not in what is pushed)';
  return edited.includes(path) ? ' (with changes that are not pushed: lines may differ)' : '';
}

export function writeEvidence(error: CapturedError | null, limit: number): string {
  if (error === null) return '';
  const said = error.output.trim() === '' ? '' : fenced(fromError(error.output, limit), limit);
  const command = error.command?.trim() ? codeSpan(error.command, 500) : null;
  const end = error.exitCode === null ? '' : `exit code ${error.exitCode}`;
  const failed = command === null ? end : `${command}${end === '' ? '' : ` ended with ${end}`}`;
  const head = failed === '' ? '' : `${failed}${said === '' ? '' : ':'}`;
  return [head, said].filter((part) => part !== '').join('\n\n');
}

/** Of a longer one what comes before the error is left out: where a text is cut in its middle, that is not to be there. */
function fromError(output: string, limit: number): string {
  const text = output.replace(/^(?:[ \t]*\r?\n)+/, '');
  const before = text.length <= limit ? 0 : errorStart(text) - limit / 4;
  if (before <= 0) return text;
  const from = text.indexOf('\n', before) + 1;
  return `[${grouped(from)} characters left out]\n${text.slice(from)}`;
}

export function writeSteps(steps: readonly string[], room: Room): string {
  return items(steps, room)
    .map((step, index) => `${index + 1}. ${step}`)
    .join('\n');
}

export function writeExpected(expected: string, limit: number): string {
  const text = writeWords(expected, limit);
  if (text === '') return '';
  return `Expected:${/\n|^ {0,3}(?:`{3}|~{3}|[-*+>|]|\d+[.)])/.test(text) ? '\n\n' : ' '}${text}`;
}

/** As a checklist. A bug of which nobody said when it is gone is gone when what shows it does so no more. */
export function writeCriteria(concern: Concern, named: readonly string[], room: Room): string {
  const criteria = items(named, room);
  return (criteria.length > 0 ? criteria : derived(concern)).map((text) => `- [ ] ${text}`).join('\n');
}

function derived({ kind, error, steps, expected }: Concern): string[] {
  if (kind !== 'bug' && !(kind === null && error !== null)) return [];
  const command = error?.command?.trim() ? codeSpan(error.command, 200) : null;
  return [
    ...(command === null ? [] : [`${command} no longer ends with this error`]),
    ...(steps.length > 0 ? ['The steps above no longer show the error'] : []),
    ...(expected.trim() === '' ? [] : ['What is expected happens instead']),
    ...(command === null && steps.length === 0 ? ['What is described above no longer happens'] : []),
    'A test covers it',
  ];
}

function items(texts: readonly string[], room: Room): string[] {
  const each = Math.max(100, Math.floor(room.items / Math.max(1, Math.min(texts.length, most.items))));
  const lines = texts.map((text) => oneLine(text, each)).filter((text) => text !== '');
  const shown = lines.slice(0, most.items);
  return lines.length > shown.length ? [...shown, `… and ${lines.length - shown.length} more`] : shown;
}

function oneLine(text: string, limit: number): string {
  return cleanMarkdown(text, limit)
    .replace(/\s+/g, ' ')
    .replace(/^(?:[-*+•]|\d{1,3}[.)])\s+(?:\[[ xX]?\]\s*)?/, '')
    .trim();
}

/** Folded: versions, and the clone as git has it. */
export function writeEnvironment(
  { checkout, environment }: Pick<Capture, 'checkout' | 'environment'>,
  fingerprint: string | null,
  limit: number,
): string {
  const versions = Object.entries(environment).map(
    ([name, version]) => `- ${inline(name, 100)}: ${inline(version, 200)}`,
  );
  const parts = [
    list([...(checkout === null ? [] : git(checkout)), ...versions], limit / 3),
    checkout === null || checkout.changed.length === 0
      ? ''
      : `Not committed:\n\n${fenced(checkout.changed.join('\n'), limit / 4)}`,
    checkout === null || checkout.commits.length === 0
      ? ''
      : `Recent commits:\n\n${fenced(checkout.commits.map(({ id, subject }) => `${id.slice(0, 10)} ${subject}`).join('\n'), limit / 4)}`,
    fingerprint === null ? '' : `${fingerprintLabel} \`${fingerprint}\``,
  ].filter((part) => part !== '');
  if (parts.length === 0) return '';
  return `<details><summary>Environment</summary>\n\n${parts.join('\n\n')}\n\n</details>`;
}

const fingerprintLabel = 'Error fingerprint:';

/** The fingerprint that a ticket's text carries; null: none. */
export function fingerprintIn(text: string): string | null {
  return /Error fingerprint:\s{0,5}`?([0-9a-f]{16})\b/.exec(text)?.[1] ?? null;
}

function list(lines: readonly string[], limit: number): string {
  const shown: string[] = [];
  let length = 0;
  for (const line of lines) {
    length += line.length + 1;
    if (length > limit) break;
    shown.push(line);
  }
  return [...shown, ...(shown.length < lines.length ? [`- … and ${lines.length - shown.length} more`] : [])].join('\n');
}

function git({ branch, commit, published }: Checkout): string[] {
  return [
    branch === null ? '- Detached head' : `- Branch: ${codeSpan(branch, 200)}`,
    commit === null ? '- No commit yet' : `- Commit: ${codeSpan(commit, 64)}`,
    ...(published !== null && published !== commit ? [`- Newest pushed commit: ${codeSpan(published, 64)}`] : []),
  ];
}
