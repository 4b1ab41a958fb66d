/** What both directions must agree on about text in Markdown. */

/** A bare address ends before what may be Markdown, and before a sentence's own punctuation. */
const address = /\bhttps?:\/\/[^\s<>"`*[\]|\\^{}]+/;
const tail = /[?!.,:;_~'")]+$/;

/** The first bare address in a text. Parentheses belong to it while they are balanced. */
export function findAddress(text: string, from = 0): { at: number; url: string } | null {
  const found = address.exec(from === 0 ? text : text.slice(from));
  if (!found) return null;
  let url = found[0].replace(tail, '');
  const rest = found[0].slice(url.length);
  const open = count(url, '(') - count(url, ')');
  if (open > 0 && rest.startsWith(')'.repeat(open))) url += ')'.repeat(open);
  return /^https?:\/\/./.test(url) ? { at: from + found.index, url } : null;
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' };

export function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-z]{2,6}));/g, (whole, decimal, hex, name) => {
    if (name) return entities[name] ?? whole;
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : '\ufffd';
  });
}

/** Escapes what would not stay text within a line of Markdown; `isLink`: within a link's text. */
export function escapeText(text: string, isLink = false): string {
  return text.replace(isLink ? /[\\`*~[\]_<&(]/g : /[\\`*~[\]_<&]/g, (character, at: number) => {
    const next = text[at + 1] ?? '';
    switch (character) {
      case '\\':
        return /[\p{L}\p{N}]/u.test(next) ? character : '\\\\';
      case '_':
        return /[\p{L}\p{N}]/u.test(text[at - 1] ?? '') && /[\p{L}\p{N}]/u.test(next) ? character : '\\_';
      case '<':
        return /[a-zA-Z/!?]/.test(next) ? '\\<' : character;
      case '&':
        return /^&(?:#|\w)\w*;/.test(text.slice(at, at + 40)) ? '\\&' : character;
      case ']':
        return isLink ? '\\]' : character;
      case '(': // the library reads brackets within a link's text as such though they are escaped
        return text[at - 1] === ']' ? '\\(' : character;
      default:
        return `\\${character}`;
    }
  });
}

/** Escapes what would begin a block where a line of a paragraph begins; leading spaces, that would be lost, become hard ones. */
export function protectLines(paragraph: string): string {
  return paragraph
    .split('\n')
    .map((line) =>
      line
        .replace(/^[ \t]+/, (spaces) => '\u00a0'.repeat(Math.min(spaces.length, 100)))
        .replace(/^(?=#{1,6}(?:\s|$)|>|[-+](?:\s|$|[-|:])|:-|\||=+\s*$)/, '\\')
        .replace(/^(\d{1,9})(?=[.)](?:\s|$))/, '$1\\'),
    )
    .join('\n');
}

/** Code within a line; null where it cannot be written so that it stays what it is. */
export function codeSpan(code: string): string {
  const longest = (code.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 0);
  const fence = '`'.repeat(longest + 1);
  const isPadded = /^`|`$/.test(code) || (/^ .* $/s.test(code) && code.trim() !== '');
  return isPadded ? `${fence} ${code} ${fence}` : `${fence}${code}${fence}`;
}

/** A link's target. */
export function linkTarget(href: string): string {
  const clean = href.replace(/[\r\n]+/g, '');
  if (/^[^\s<>()\\&*~`]+$/.test(clean) && !/(?<![a-z\d])_|_(?![a-z\d])/i.test(clean)) return clean;
  return `<${clean.replace(/[<>\\]/g, '\\$&')}>`;
}

/** The attributes of HTML that we write and read ourselves. */
export function encodeEntities(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
