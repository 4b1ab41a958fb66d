import { posix } from 'node:path';
import { protectedAs, riskOf } from '../core/protected-paths.ts';
import { foldPath, matcherOf } from '../lib/globs.ts';
import { createRedactor } from '../lib/redact.ts';
import type { Change } from '../workspaces/changes.ts';
import { readAddedLines } from './added-lines.ts';
import { executableMode, oddName, oddRecord, submoduleMode, symlinkMode } from './record.ts';
import { createSecretScan } from './secret-scan.ts';

export type { Change } from '../workspaces/changes.ts';

export interface GatePolicy {
  /** Globs, beside the built-in list; letter case does not matter. */
  protectedPaths: readonly string[];
  limits: { files: number; bytes: number };
  /** Globs of the ticket; a change may touch nothing else. Empty: anything. */
  allowedPaths?: readonly string[];
}

export interface GateInput {
  /** Base to head, from `--raw -z`: it tells the truth about names and modes where a patch does not. */
  changes: readonly Change[];
  /** The new content of a changed path (of a symlink: its target); null when it can't be read. */
  readNew(path: string): Promise<Uint8Array | null>;
  /** `git diff --patch` of the same two trees. Only tells which lines are new; what it leaves open counts as new. */
  patch: string;
  policy: GatePolicy;
  knownSecrets: readonly string[];
}

export interface GateReason {
  rule: 'protected' | 'outside' | 'size' | 'name' | 'tree' | 'secret';
  path: string;
  /** A sentence for people. Never holds a secret. */
  message: string;
}

export interface GateNote {
  path: string;
  /** What a reviewer should look at: "lock file", "made executable". */
  message: string;
}

export interface Inspection {
  verdict: 'allow' | 'hold';
  reasons: GateReason[];
  notes: GateNote[];
}

/** Contents larger than this are not searched, and so not published. */
const searchedBytes = 32 * 2 ** 20;

/**
 * Decides whether a finished change may leave. The one gate, whatever the code host. It looks at the trees themselves, not
 * at what the agent says; what it can't make sense of is held.
 */
export async function inspectChange(input: GateInput): Promise<Inspection> {
  const { changes, policy } = input;
  const added = readAddedLines(input.patch);
  const unusable = changes.flatMap(inspectRecord);
  const reasons = [
    ...unusable,
    ...changes.flatMap((change) => inspectPaths(change, policy)),
    ...inspectAllowed(changes, policy.allowedPaths ?? []),
    ...inspectLinksOverFiles(changes),
    ...inspectSize(changes, added, policy),
  ];
  // What is too much, or can't be named, is not read.
  if (unusable.length === 0 && !reasons.some(({ rule }) => rule === 'size'))
    reasons.push(...(await inspectContents(input, added)));
  const { redact } = createRedactor(input.knownSecrets);
  return {
    verdict: reasons.length === 0 ? 'allow' : 'hold',
    reasons: reasons.map((reason) => ({ ...reason, path: redact(reason.path), message: redact(reason.message) })),
    notes: changes.flatMap(noteRisk).map((note) => ({ ...note, path: redact(note.path) })),
  };
}

function inspectRecord(change: Change): GateReason[] {
  const path = change.path;
  const record = oddRecord(change);
  const name = [path, ...(change.oldPath === null ? [] : [change.oldPath])].map(oddName).find((why) => why !== null);
  return [
    ...(record === null ? [] : [reason('tree', path, `${shown(path)} can't be judged: ${record}.`)]),
    ...(name === undefined
      ? []
      : [reason('name', path, `${shown(path)} has a name that must not be published: ${name}.`)]),
    ...(change.newMode === submoduleMode || change.oldMode === submoduleMode
      ? [reason('tree', path, `${shown(path)} is a submodule: another repository's code would come in with it.`)]
      : []),
  ];
}

/** Both sides of a rename or copy: moving a workflow away removes it, and copying one makes another. */
function inspectPaths(change: Change, policy: GatePolicy): GateReason[] {
  const isExtra = matcherOf(policy.protectedPaths);
  const paths = change.oldPath === null ? [change.path] : [change.path, change.oldPath];
  return paths.flatMap((path) => {
    const what = protectedAs(path) ?? (isExtra(path) ? 'protected by policy.protectedPaths' : null);
    const isLink = change.newMode === symlinkMode && foldPath(path).startsWith('.');
    if (what === null && !isLink) return [];
    return [reason('protected', path, `${shown(path)} is ${what ?? 'a link in the place of a dot-directory'}.`)];
  });
}

function inspectAllowed(changes: readonly Change[], allowed: readonly string[]): GateReason[] {
  if (allowed.length === 0) return [];
  const isAllowed = matcherOf(allowed);
  const paths = changes.flatMap(({ path, oldPath }) => (oldPath === null ? [path] : [path, oldPath]));
  return [...new Set(paths)]
    .filter((path) => !isAllowed(path))
    .map((path) => reason('outside', path, `${shown(path)} is outside the paths that the ticket allows.`));
}

/** `a -> elsewhere` beside `A/file`: where case does not count, the file is written through the link. */
function inspectLinksOverFiles(changes: readonly Change[]): GateReason[] {
  const links = changes
    .filter((change) => change.newMode === symlinkMode)
    .map(({ path }) => ({ path, folded: foldPath(path) }));
  return links.flatMap(({ path, folded }) => {
    const over = changes.find(
      (change) => change.path !== path && change.status !== 'D' && isBelow(foldPath(change.path), folded),
    );
    return over
      ? [reason('tree', path, `${shown(path)} is a link, and some file systems write ${shown(over.path)} through it.`)]
      : [];
  });
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function inspectSize(changes: readonly Change[], added: AddedLines, { limits }: GatePolicy): GateReason[] {
  const bytes = changes.reduce((sum, change) => sum + addedBytes(change, added), 0);
  const files = changes.length;
  const large = changes.filter((change) => change.bytes > searchedBytes && change.oldSha !== change.newSha);
  return [
    ...(files > limits.files
      ? [reason('size', '', `The change touches ${files} files; ${limits.files} are allowed (policy.limits.files).`)]
      : []),
    ...(bytes > limits.bytes
      ? [reason('size', '', `The change adds ${bytes} bytes; ${limits.bytes} are allowed (policy.limits.bytes).`)]
      : []),
    ...large.map(({ path }) => reason('size', path, `${shown(path)} is too large to be searched for secrets.`)),
  ];
}

type AddedLines = Map<string, Map<number, string>>;

function addedBytes(change: Change, added: AddedLines): number {
  if (change.oldSha === change.newSha) return 0;
  const lines = added.get(change.path);
  if (change.added === null || lines === undefined || lines.size !== change.added) return change.bytes;
  return [...lines.values()].reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
}

async function inspectContents(input: GateInput, added: AddedLines): Promise<GateReason[]> {
  const secrets = createSecretScan(input.knownSecrets);
  const names = input.changes.map(({ path }) => path);
  const inNames = await secrets.scan(names.join('\n'), '');
  const nameLines = createLines(names.join('\n'));
  const reasons = inNames.map(({ start, what }) => {
    const path = names[nameLines.at(start) - 1] ?? '';
    return reason('secret', path, `The name of ${shown(path)} has what looks like ${what}.`);
  });
  for (const change of input.changes) {
    const { path } = change;
    // The same object is on the base branch already.
    if (change.status === 'D' || change.oldSha === change.newSha) continue;
    const content = await input.readNew(path);
    if (content === null) {
      reasons.push(reason('tree', path, `${shown(path)} can't be read.`));
      continue;
    }
    if (change.newMode === symlinkMode) reasons.push(...inspectLink(path, content));
    const text = textOf(content);
    const lines = createLines(text);
    const isNew = newLinesOf(change, lines, added.get(path));
    for (const finding of await secrets.scan(text, path)) {
      const [first, last] = [lines.at(finding.start), lines.at(Math.max(finding.start, finding.end - 1))];
      const line = range(first, last).find(isNew);
      if (line === undefined) continue;
      const where = change.added === null ? shown(path) : `${shown(path)}, line ${line},`;
      reasons.push(reason('secret', path, `${where} has what looks like ${finding.what}.`));
    }
  }
  return onePerPlace(reasons);
}

/** Leading `..` only: after a name, `..` may lead out through another link. */
function inspectLink(path: string, content: Uint8Array): GateReason[] {
  const target = Buffer.from(content).toString('utf8');
  const hold = (why: string) => [reason('tree', path, `${shown(path)} is a link ${why}.`)];
  if (/^[/~\\]|^[a-z]:/i.test(target)) return hold('to an absolute path');
  if (target === '' || /\p{Cc}|\\|\ufffd/u.test(target)) return hold('to something that is no ordinary path');
  const inside = posix.join(posix.dirname(path), target);
  if (inside === '..' || inside.startsWith('../') || /(^|\/)(?!\.\.?(\/|$))[^/]+\/+(\.\/+)*\.\.(\/|$)/.test(target))
    return hold('that may lead out of the repository');
  if (inside.split('/').some((part) => oddName(part) !== null && part !== '.' && part !== ''))
    return hold('to a name that must not be published');
  const what = protectedAs(inside) ?? protectedAs(`${inside}/x`);
  return what === null ? [] : [reason('protected', path, `${shown(path)} is a link to ${what}.`)];
}

/** Text as it is; anything else as its bytes without zeros, so that UTF-16 can be read too. */
function textOf(content: Uint8Array): string {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  return bytes.includes(0) ? bytes.toString('latin1').replaceAll('\0', '') : bytes.toString('utf8');
}

interface Lines {
  /** The number, from 1, of the line that has this offset. */
  at(offset: number): number;
  text(line: number): string | undefined;
}

function createLines(text: string): Lines {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return {
    at(offset) {
      let [low, high] = [0, starts.length];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if ((starts[middle] ?? 0) <= offset) low = middle;
        else high = middle;
      }
      return low + 1;
    },
    text(line) {
      const start = starts[line - 1];
      return start === undefined ? undefined : text.slice(start, (starts[line] ?? text.length + 1) - 1);
    },
  };
}

/** The patch is believed only where it fits the counts and the content; elsewhere every line is new. */
function newLinesOf(change: Change, lines: Lines, added: Map<number, string> | undefined): (line: number) => boolean {
  const fits =
    added !== undefined && added.size === change.added && [...added].every(([line, text]) => lines.text(line) === text);
  return fits ? (line) => added.has(line) : () => true;
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function noteRisk(change: Change): GateNote[] {
  const { path, newMode, oldMode, status, added } = change;
  const notes: (string | null)[] = [
    riskOf(path),
    newMode === executableMode && oldMode !== executableMode ? 'made executable' : null,
    newMode === symlinkMode && oldMode !== symlinkMode ? 'symbolic link' : null,
    added === null && status !== 'D' && change.oldSha !== change.newSha ? 'binary file' : null,
  ];
  return notes.filter((message) => message !== null).map((message) => ({ path, message }));
}

function reason(rule: GateReason['rule'], path: string, message: string): GateReason {
  return { rule, path, message };
}

/** Two rules may know the same secret; people want to know of it once. */
function onePerPlace(reasons: GateReason[]): GateReason[] {
  const place = ({ message }: GateReason) => message.replace(/ has what looks like .*/s, '');
  return reasons.filter((one, index) => reasons.findIndex((other) => place(other) === place(one)) === index);
}

/** A name for people: whatever does not print is written as its code. */
function shown(path: string): string {
  const text = path.replace(/[\p{C}\u2028\u2029`]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
  return `\`${text.length > 200 ? `${text.slice(0, 197)}...` : text}\``;
}
