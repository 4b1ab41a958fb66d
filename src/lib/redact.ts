/** Shorter values are too common in ordinary text to be looked for: "postgres" would be found everywhere. */
const shortestSecret = 10;

/** Leaving a few characters off an end must not hide a value, if what remains is still unmistakable. */
const leftOff = 7;
const shortestCore = 14;

export interface Span {
  start: number;
  /** Exclusive. */
  end: number;
}

export interface Redactor {
  /** The text with every known value, in any of its disguises, replaced by `[redacted]`. */
  redact(text: string): string;
  /** Where known values stand; sees through white space, quotes and string concatenation put between their parts. */
  find(text: string): Span[];
}

/**
 * Knows some secret values and finds them as they are and as base64 (at any alignment), base64url, hex, URL-encoded,
 * JSON-escaped and reversed. Values of less than ten characters are ignored. It is a backstop: what is compressed,
 * encrypted or spelt in a cipher passes.
 */
export function createRedactor(secrets: readonly string[]): Redactor {
  const known = [...new Set(secrets)].filter((secret) => secret.length >= shortestSecret);
  const needles = [...new Set(known.flatMap((secret) => [secret, ...coreOf(secret)]).flatMap(disguisesOf))];
  needles.sort((a, b) => b.length - a.length);
  if (needles.length === 0) return { redact: (text) => text, find: () => [] };
  const pattern = new RegExp(needles.map(escapeForRegExp).join('|'), 'g');
  return {
    redact: (text) => text.replace(pattern, '[redacted]'),
    find: (text) => [...findAll(text, needles), ...fillers.flatMap((filler) => findBetween(text, needles, filler))],
  };
}

/** What a value's parts may have between them: white space; and what joins string literals. Bodies of a character class. */
const fillers = ['\\s', '\\s"\'`+,.;()\\\\-'];

function findAll(text: string, needles: readonly string[]): Span[] {
  return needles.flatMap((needle) => {
    const found: Span[] = [];
    for (let at = text.indexOf(needle); at !== -1; at = text.indexOf(needle, at + needle.length))
      found.push({ start: at, end: at + needle.length });
    return found;
  });
}

function findBetween(text: string, needles: readonly string[], filler: string): Span[] {
  const offsets = new Uint32Array(text.length);
  const runs: string[] = [];
  let length = 0;
  for (const run of text.matchAll(new RegExp(`[^${filler}]+`, 'g'))) {
    runs.push(run[0]);
    for (let i = 0; i < run[0].length; i++) offsets[length++] = run.index + i;
  }
  const fill = new RegExp(`[${filler}]+`, 'g');
  const bare = needles.map((needle) => needle.replace(fill, '')).filter((needle) => needle.length >= shortestSecret);
  const spans = findAll(runs.join(''), [...new Set(bare)]);
  return spans.map(({ start, end }) => ({ start: offsets[start] ?? 0, end: (offsets[end - 1] ?? 0) + 1 }));
}

function coreOf(secret: string): string[] {
  const core = secret.slice(leftOff, -leftOff);
  return core.length >= shortestCore ? [secret.slice(leftOff), secret.slice(0, -leftOff), core] : [];
}

function disguisesOf(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const hex = bytes.toString('hex');
  const url = encodeURIComponent(secret.toWellFormed());
  const base64 = [0, 1, 2].map((offset) => base64At(bytes, offset));
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    [...secret].reverse().join(''),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    hex,
    hex.toUpperCase(),
    url,
    url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    url.replaceAll('%20', '+'),
  ];
}

/** The characters that every base64 of data holding `bytes` after 3n + `offset` others has in common. */
function base64At(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
  return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
}

function escapeForRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
