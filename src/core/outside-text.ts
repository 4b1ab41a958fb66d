/*
 * Text that others wrote, made safe to show to a model: what people cannot see is taken out, and it stands between marks
 * that it cannot forge.
 */

const mark = 'outside-text';

// Controls, escapes, bidi controls, invisible spaces and fillers, tags, selectors that smuggle bytes.
const hidden = /(?!\t|\n|\u200c|\u200d|\ufe0e|\ufe0f)[\p{Cc}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu;

// Joiners and emoji selectors mean something inside an emoji or a script that needs them, and hide something anywhere else.
const strayJoiner =
  /(?<![\p{Extended_Pictographic}\p{M}\p{Emoji_Modifier}\p{L}])[\u200c\u200d]|[\u200c\u200d](?![\p{Extended_Pictographic}\p{L}])/gu;
const straySelector = /(?<![\p{Extended_Pictographic}\d#*])[\ufe0e\ufe0f]/gu;

/** Without what people do not see: control, bidi, tag and zero-width characters, and HTML comments. */
export function cleanText(text: string): string {
  return withoutComments(withoutHidden(text));
}

/** The same with its HTML comments: of what is no Markdown they are seen. */
export function withoutHidden(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?|[\u2028\u2029]/g, '\n')
    .replace(hidden, '')
    .replace(strayJoiner, '')
    .replace(straySelector, '');
}

/** By hand, because a pattern takes quadratic time on a text full of openings. One that never closes stays, in sight. */
function withoutComments(text: string): string {
  const kept: string[] = [];
  let from = 0;
  for (;;) {
    const begin = text.indexOf('<!--', from);
    const end = begin < 0 ? -1 : text.indexOf('-->', begin + 4);
    if (end < 0) return kept.length === 0 ? text : kept.join('') + text.slice(from);
    kept.push(text.slice(from, begin), '[hidden comment removed]');
    from = end + 3;
  }
}

/** The same on one line, for names and titles. */
export function cleanLine(text: string, limit = 500): string {
  const line = cleanText(text).replace(/\s+/g, ' ').trim();
  return line.length > limit ? `${line.slice(0, limit).toWellFormed()} [...]` : line;
}

/** Between marks. The mark's own name is broken wherever the text holds it, so the text can neither end nor begin one. */
export function markOutside(source: string, text: string): string {
  const unforgeable = (part: string) => part.replace(/outside-text/gi, 'outside text');
  const from = unforgeable(cleanLine(source, 200)).replace(/["<>]/g, "'");
  return `<${mark} from="${from}">\n${unforgeable(cleanText(text)).trim()}\n</${mark}>`;
}
