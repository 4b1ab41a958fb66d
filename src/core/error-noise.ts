/*
 * What of an error's words is another each time, on each machine and in each clone, and what is left without it. All of it
 * takes time that grows with the text and no faster.
 */

const longestLine = 2_000;

// As ECMA-48 has them: CSI, OSC up to its end, and short escapes.
const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_]|[ -/]+[0-~])/g;

/** When it was said, by whom of several containers, and CI's own marks: before what was said. */
const prefix =
  /^\s*(?:\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z| ?[+-]\d\d:?\d\d)?\]?|\[?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?[AP]M)?\]?|##\[error\]|::error[^:]{0,200}::|[\w.-]{1,40}-\d{1,4} {1,20}\|)[ \t|]?(?:- )?/;

/** Lines as people see them: without colours, what a progress bar has overwritten, and when each was said. */
export function linesOf(output: string): string[] {
  const plain = output.includes('\u001b') ? output.replace(escapes, '') : output;
  return plain.split('\n').map(bareLine);
}

function bareLine(raw: string): string {
  let line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
  if (line.includes('\r')) line = line.slice(line.lastIndexOf('\r') + 1);
  if (line.length > longestLine) line = line.slice(0, longestLine);
  for (let left = 3; left > 0; left--) {
    const found = prefix.exec(line);
    if (found === null) break;
    line = line.slice(found[0].length);
  }
  return line;
}

const uuid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi;
const date =
  /\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?|\b\d\d:\d\d:\d\d(?:[.,]\d{1,9})?/g;
const ipv6 = /(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,5}(?![\w:])/gi;
const hex = /\b0x[0-9a-f]+\b|\b(?=[a-f]{0,40}\d)[0-9a-f]{7,64}\b/gi;
const duration =
  /(?<![\w.])\d+(?:\.\d+)?\s?(?:ns|µs|us|ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?|milliseconds?)\b/g;
const number = /(?<![\p{L}_\d])[+-]?\d+(?:[.,_]\d+)*(?![\p{L}_])|(?<![\p{L}_\d])\d+(?=[kKMG]i?B\b)/gu;
const quotes = /["'`´‘’‚‛“”„«»]/g;

/** A path that is of a machine, or that names a file: in quotes or parentheses it may have spaces. */
const inQuotes = /(["'`(])((?:file:\/\/)?(?:\/|[A-Za-z]:[\\/])[^"'`()\n]{1,500})(?=["'`)])/g;
const bare = /(?<![\w/\\.@:-])(?:file:\/\/)?(?:[A-Za-z]:[\\/]|\/|\.{1,2}\/|[\w@-])[^\s"'`()<>,;:|*?{}]{2,400}/g;

/** The words of an error in which nothing is left of when, where and how often it happened. */
export function withoutNoise(text: string): string {
  return text
    .slice(0, longestLine)
    .replace(inQuotes, (_, open: string, path: string) => open + stableIfPath(path))
    .replace(bare, stableIfPath)
    .replace(uuid, '#')
    .replace(date, '#')
    .replace(ipv6, '#')
    .replace(duration, '#')
    .replace(hex, '#')
    .replace(number, '#')
    .replace(/#(?:[\s.:,/-]{0,2}#)+/g, '#')
    .replace(quotes, "'")
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300);
}

const machine =
  /^(?:\/(?:home|Users|root|tmp|private|var|opt|srv|app|workspace|workspaces|builds|github|mnt|Volumes|usr|data|code|__w|dev\/shm)(?=\/)|[A-Za-z]:\/)/;
const withExtension = /[^/.][^/]*\.[A-Za-z][A-Za-z0-9]{0,9}$/;

function stableIfPath(word: string): string {
  const path = slashed(word);
  const isOfMachine = machine.test(path);
  if (!isOfMachine && (!path.includes('/') || !withExtension.test(path) || /^[\w@.-]+\.[a-z]{2,6}\//.test(path)))
    return word;
  return stablePath(path);
}

/** Where code begins in a repository. */
const roots = new Set(
  'src lib app test tests spec specs cmd internal pkg source sources main java kotlin scripts bin server client web api components pages'.split(
    ' ',
  ),
);
const parts = new Set(['packages', 'apps', 'services', 'modules', 'crates', 'libs', 'plugins', 'projects']);

const homes =
  /^(?:\/private)?(?:(?:[A-Za-z]:\/Users\/[^/]+|[A-Za-z]:|\/(?:home|Users)\/[^/]+|\/root|~)(?:(?:\/go)?\/(?:src|code|work|dev|git|repos?|projects?)(?=\/[^/]+\/[^/]+))?|\/app|\/usr\/src\/app|\/var\/www(?:\/html)?|\/srv|\/opt|\/workspaces?|\/github\/workspace)\//i;
/** Somebody's own directory, in which clones lie; and a clone's, which may be called as code's are. CI has it twice. */
const ofPerson = /^(?:\/private)?(?:[A-Za-z]:|~|\/root|\/(?:home|Users)\/[^/]+)\/(?!src\/)/;
const clone = /^(?!(?:src|lib|tests?)\/)([^/]+)\/(?:\1\/)?(?=[^/])/;
const temporary = /^(?:\/private)?(?:\/tmp|\/var\/tmp|\/var\/folders|\/dev\/shm)\/|\/AppData\/Local\/Temp\//i;

/**
 * A path as it is in every clone: from the last directory on in which code usually begins, with the package that this is of;
 * of any other its file's name. Only what comes after the clone's own directory may decide, and nobody knows where that ends.
 */
export function stablePath(written: string): string {
  const path = slashed(written);
  const inHome = path.replace(homes, '');
  const rest = ofPerson.test(path) ? inHome.replace(clone, '') : inHome;
  const segments = rest.split('/').filter((part) => part !== '' && part !== '.' && part !== '..');
  const file = segments.at(-1) ?? '';
  const folders = segments.slice(0, -1);
  const root = folders.findLastIndex((name) => roots.has(name));
  if (root < 0)
    return temporary.test(path) && (!withExtension.test(file) || segments.length < 3) ? '<temporary>' : file;
  const isOfPart = root >= 2 && parts.has(folders[root - 2] ?? '');
  return segments.slice(isOfPart ? root - 2 : root).join('/');
}

function slashed(path: string): string {
  return path.replace(/^file:\/\/(?:\/(?=[A-Za-z]:))?/, '').replaceAll('\\', '/');
}
