import { hashOf } from '../lib/ids.ts';
import type { CapturedError } from './capture.ts';
import { type Frame, framesOf } from './error-frames.ts';
import { linesOf, stablePath, withoutNoise } from './error-noise.ts';

/** What a line says went wrong. */
interface Said {
  /** The error's type, or its code: "TypeError", "TS2322", "panic"; '' where it has none. */
  type: string;
  message: string;
  /** It only begins to say: the next line goes on. */
  goesOn?: true;
}

/**
 * 16 hex digits that stand for an error: its type, its message without noise (`withoutNoise`), and the topmost two places in
 * the repository's own code, without their lines. The same for the same error elsewhere and later. null: nothing in it would
 * be the same again.
 */
export function fingerprintOf(error: CapturedError): string | null {
  const lines = linesOf(error.output);
  const at = errorLine(lines);
  if (at < 0) return null;
  const said = saidAt(lines, at);
  const message = withoutNoise(said.message);
  const places = placesOf(lines, at).map(placeText);
  if (!/\p{L}{2}/u.test(message) && (places.length === 0 || said.type === '')) return null;
  return hashOf([withoutNoise(said.type), message, places]).slice(0, 16);
}

/** A place as it is in every clone, however the file has changed around it. */
function placeText({ path, function: name }: Frame): string {
  return `${stablePath(path)} ${withoutNoise(name ?? '')}`.trim();
}

/** What an output says went wrong, in one line for people; null: nothing. */
export function errorIn(output: string): string | null {
  const lines = linesOf(output);
  const at = errorLine(lines);
  const { type, message } = saidAt(lines, at);
  return [type, message].filter((part) => part !== '').join(': ') || null;
}

/** Where in an output the line begins that says what went wrong; 0: none does. */
export function errorStart(output: string): number {
  const at = errorLine(linesOf(output));
  return at < 1 ? 0 : output.split('\n', at).join('\n').length + 1;
}

/** With the line that it goes on in. */
function saidAt(lines: readonly string[], at: number): Said {
  const line = lines[at] ?? '';
  const said = read(line) ?? { type: '', message: line };
  const more = said.goesOn ? followingWords(lines, at) : missingSymbol(lines, at);
  return { type: said.type.trim(), message: `${said.message} ${more}`.trim() };
}

/** What javac could not find stands two lines further down. */
function missingSymbol(lines: readonly string[], at: number): string {
  if (!/: cannot find symbol$/.test(lines[at] ?? '')) return '';
  const symbol = lines.slice(at + 1, at + 5).map((line) => /^\s{1,10}symbol:\s{1,10}(\S.*)$/.exec(line)?.[1] ?? '');
  return symbol.find((each) => each !== '') ?? '';
}

const typed =
  /^\s*(?:E {1,10}|[●✗✕×⎯✖!]\s|\*|\[?(?:error|fatal|severe)\]?:?\s|Uncaught:?\s|Unhandled(?: exception\.?| rejection)?:?\s|\(node:\d+\)\s|(?:thrown|caused by|error): |PHP (?:Fatal error|Warning):\s{1,3}|Fatal error:\s|Uncaught\s|(?:Serialized )?Error: (?=\w+Error: )|Exception in thread "[^"]{0,200}"\s|FAILED \S{1,400} - |\(in promise\) ){0,5}((?:[A-Za-z_][\w$]*[.:\\]{1,2}){0,20}[A-Z][\w$]*(?:Error|Exception|Failure|Fault|Panic|Interrupt|Exit|Timeout|Rejection|NotFound|Iteration)|Error|DOMException|KeyboardInterrupt|SystemExit)(?: \[[^\]]{1,80}\])?(?::\s*(.*)|\s+(?:was unhandled|occurred).*|\s*)$/i;

/** In each, the first group is the type and the second the message. */
const strong: { pattern: RegExp; goesOn?: true }[] = [
  { pattern: /^(?:(fatal error)|(?:panic)): (.*)$/ },
  { pattern: /^\s*thread '[^']{0,200}'(?: \(\d+\))? (panicked) at '(.*)', / },
  { pattern: /^\s*thread '[^']{0,200}'(?: \(\d+\))? (panicked) at ()/, goesOn: true },
  {
    pattern:
      /^\s*error(?:\[([A-Z]\d{3,5})\])?: (?!aborting due|could not compile|process didn't exit|test failed)(.*)$/,
  },
  {
    pattern:
      /^\S.{0,500}?(?:\(\d+(?:,\d+)*\)|:\d+(?::\d+)?)(?: -|:) (?:fatal )?error:? ?((?:[A-Z]{1,5}\d{3,5})?):? ?(.*)$/,
  },
  { pattern: /^e: ()(?:file:\/\/)?\S{1,400}?\.kts?:?[ (]?\d[\d:, )]*:? ?(.*)$/ },
  { pattern: /^(?:vet: )?\.{0,2}[^\s:]{1,400}\.go:\d+:\d+: ()(.*)$/ },
  { pattern: /^\S{1,400}\.rb:\d+:in [`'].{1,200}?': ()(.*) \([\w:]{1,100}\)$/ },
  { pattern: /^\s{1,8}\d+:\d+\s{1,10}(error)\s{1,10}(\S.*)$/ },
  { pattern: /^\s*--- FAIL: (\S{1,300})()/, goesOn: true },
  { pattern: /^\s{0,6}● (\S.*)()$/, goesOn: true },
  { pattern: /^\s{0,6}(?:\d{1,4}\)) (\S.*)()$/, goesOn: true },
  { pattern: /^\s*not ok \d+ -? ?()(.*)$/ },
  { pattern: /^(?:PHP )?(Parse error|Fatal error):\s{1,3}(.*)$/ },
  { pattern: /^FAILED (\S{1,400})(?: - (.*))?$/ },
  {
    pattern:
      /^()(.{0,300}?(?:Segmentation fault|Assertion .{0,300} failed|undefined reference to |command not found).*)$/i,
  },
];

const weak =
  /\b(?:error|exception|failed|failure|fatal|panic|cannot|can't|could not|couldn't|unable to|denied|refused|not found|no such|unexpected|invalid|undefined|unhandled|abort(?:ed)?|timed? ?out|missing|✗|✕|×)\b/i;

/** What tells that something failed, and not what. */
const saysNothing =
  /^\s*(?:exit (?:status|code)|(?:.{0,200})?exit(?:ed)? (?:with )?(?:status|code) \d+|npm (?:ERR!|error) (?:code|errno|A complete log|Lifecycle|Test failed)|ELIFECYCLE|make(?:\[\d+\])?: \*\*\*|FAILURE: Build failed|\* What went wrong|Traceback \(most|> Task .* FAILED|FAIL\b|BUILD FAILED|(?:=|-|_|⎯|~)+|Test (?:Files|Suites)|Tests?:?\s|\d+ (?:errors?|failed|problems?|failures?)\b|Found \d+ error|error: (?:aborting due|could not compile|test failed)|note:|warning:|help:|Stack trace:|During handling|The above exception)/i;

function read(line: string): Said | null {
  if (saysNothing.test(line) && !/^FAILED \S/.test(line)) return null;
  const found = typed.exec(line);
  if (found) return { type: found[1]?.split(/[.\\]|::/).at(-1) ?? '', message: found[2] ?? '' };
  for (const { pattern, goesOn } of strong) {
    const [all, type = '', message = ''] = pattern.exec(line) ?? [];
    if (all !== undefined)
      return { type: type || (/^panic/.test(all) ? 'panic' : ''), message, ...(goesOn && { goesOn }) };
  }
  return null;
}

/** A cheap look before a dear one: there may be a hundred thousand lines. */
const maybe =
  /error|exception|panic|fail|fault|not ok|●|^\s{0,6}\d{1,4}\) |\.go:\d|\.kts?:|\.rb:\d|interrupt|exit|timeout|rejection|notfound|iteration|assertion|undefined reference|not found/i;

/** The first line that says what went wrong; else the first that speaks of failing, else the last that says anything. -1: none. */
function errorLine(lines: readonly string[]): number {
  let spoken = -1;
  for (const [index, line] of lines.entries()) {
    if (maybe.test(line) && read(line) !== null) return index;
    if (spoken < 0 && weak.test(line) && !saysNothing.test(line) && !/\b0 (?:errors?|failed|failures)\b/i.test(line))
      spoken = index;
  }
  if (spoken >= 0) return spoken;
  return lines.findLastIndex((line) => !saysNothing.test(line) && /\p{L}{2}/u.test(withoutNoise(line)));
}

/** Of a test that failed, why: the next line that says anything beside where. */
function followingWords(lines: readonly string[], at: number): string {
  const next = lines.slice(at + 1, at + 8).find((line) => /\p{L}{2}/u.test(line) && !/^\s*(?:at |=== |❯ )/.test(line));
  return (next ?? '').trim();
}

const reach = 80;

/** The topmost own places of the error on that line: in it, else in the trace that follows, or that leads to it. */
function placesOf(lines: readonly string[], at: number): Frame[] {
  const framesAt = (index: number) => framesOf(lines[index] ?? '', lines[index - 1] ?? '');
  const [inLine] = framesAt(at);
  if (inLine?.isOwn) return [inLine];
  const before = leadingTrace(lines, at, framesAt);
  const trace = before.length > 0 ? before : followingTrace(lines, at, framesAt);
  const own = trace.filter(({ isOwn }) => isOwn);
  // A test only shows it.
  const tested = own.filter(({ path }) => !/(?:^|[/._-])(?:tests?|specs?|__tests__)(?:[/._-]|$)/i.test(path));
  return (tested.length > 0 ? tested : own).slice(0, 2);
}

/** Python's, whose last line is where it happened; and the file above what eslint says of it. */
function leadingTrace(lines: readonly string[], at: number, framesAt: (index: number) => Frame[]): Frame[] {
  if (/^\s{1,8}\d+:\d+\s+error\s/.test(lines[at] ?? '')) {
    const above = lines.slice(Math.max(0, at - 200), at).findLast((line) => /^\S.*\.\w{1,6}$/.test(line));
    return above === undefined ? [] : framesOf(`${above}:1`, '').slice(0, 1);
  }
  const frames: Frame[] = [];
  for (let index = at - 1; index >= Math.max(0, at - reach); index--) {
    const line = lines[index] ?? '';
    if (/^Traceback |^\S/.test(line)) break;
    frames.push(...framesAt(index).filter(({ isLastFirst }) => isLastFirst));
  }
  return frames;
}

function followingTrace(lines: readonly string[], at: number, framesAt: (index: number) => Frame[]): Frame[] {
  const frames: Frame[] = [];
  for (let index = at + 1; index < Math.min(lines.length, at + reach); index++) {
    const found = framesAt(index);
    // What another error says is another's.
    if (found.length === 0 && frames.length > 0 && read(lines[index] ?? '') !== null) break;
    frames.push(...found);
  }
  return frames;
}
