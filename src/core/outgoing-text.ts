/**
 * Words of an agent, or quoted from a ticket, on their way to a pull request or a ticket. Whoever steered the agent steers
 * these words too, so they may notify nobody, close nothing, hide nothing and pose as nothing of ours.
 */

const cut = ' … (shortened)';

// What is much longer than it may be is cut before it is looked at: 200 kB of backticks must cost nothing.

/** Markdown of several lines, of at most `limit` characters. Headings become bold, so that they can't pose as our sections. */
export function cleanMarkdown(text: string, limit: number): string {
  const visible = dropHidden(text.slice(0, 4 * limit))
    .replace(/<!--[\s\S]*?(-->|$)/g, '')
    .replace(/<!--|-->/g, '');
  const short = shorten(visible.trim(), limit);
  const lines: string[] = [];
  let fence: string | null = null;
  for (const line of short.split('\n')) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== null) {
      if (mark?.startsWith(fence) && line.trim() === mark) fence = null;
      lines.push(line);
    } else if (mark !== undefined && !(mark.startsWith('`') && line.trim().slice(mark.length).includes('`'))) {
      fence = mark;
      lines.push(line);
    } else lines.push(cleanLine(line));
  }
  // An open fence would swallow what follows.
  if (fence !== null) lines.push(fence);
  return lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

/** Markdown as it is, but that it calls nobody by name: whoever steered the agent would have people, or whole teams, told. */
export function withoutMentions(text: string): string {
  let fence: string | null = null;
  const quiet = text.split('\n').map((line) => {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== null) {
      if (mark?.startsWith(fence)) fence = null;
      return line;
    }
    if (mark !== undefined) fence = mark;
    return mark === undefined && line.includes('@') ? outsideCode(line, quoteNames) : line;
  });
  return quiet.join('\n');
}

/** One line of plain words: a title, a table cell, an item of a list. */
export function cleanText(text: string, limit: number): string {
  const line = dropHidden(text.slice(0, 4 * limit))
    .replace(/<!--[\s\S]*?(-->|$)/g, '')
    .replace(/\s+/g, ' ');
  return shorten(outsideCode(line.trim(), disarm), limit);
}

/**
 * A message that names a ticket gives trackers orders, too: "ENG-12 #done", "#time 3d", on whichever of its lines. A gap behind
 * the # takes the order away, and people read the same. What is a part of an address stays.
 */
export function withoutCommands(text: string, gap = ' '): string {
  return text.replace(/(?<![\p{L}\p{N}_/?&=.#%-])#(?=\p{L})/gu, `#${gap}`);
}

/**
 * For a message that CI and trackers read: it may not switch checks off, nor speak for other people in trailers, nor give a
 * tracker orders.
 */
export function cleanCommitText(text: string): string {
  return withoutCommands(text)
    .replace(/\[((?:skip|no)[ -](?:ci|actions)|(?:ci|actions)[ -]skip)\]/gi, '($1)')
    .replace(/\*\*\*(no_ci)\*\*\*/gi, '$1')
    .split('\n')
    .filter((line) => !/^\s*(skip-checks|[a-z][a-z-]*-by|cc|change-id)\s*:/i.test(line))
    .join('\n');
}

/** At most `limit` characters, never half of one. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${text.slice(0, Math.max(0, limit - cut.length)).replace(/[\ud800-\udbff]$/, '')}${cut}`;
}

/**
 * Terminal sequences, control characters, and characters that are not seen or turn the direction. Joiners and variation
 * selectors stay: emoji and some scripts need them.
 */
export function dropHidden(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g, '')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
    .replace(
      /[\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu,
      '',
    );
}

function cleanLine(line: string): string {
  // A line of = or - would make a heading of the one above.
  if (/^ {0,3}(=+|-+|[-*_]( *[-*_]){2,}) *$/.test(line)) return '';
  const heading = /^ {0,3}#{1,6}\s+(.*?)\s*#*$/.exec(line);
  const plain = heading ? `**${heading[1]?.replaceAll('*', '')}**` : line;
  return outsideCode(plain, (text) =>
    disarm(text)
      .replace(/<(?=[a-z/!?])/gi, '&lt;')
      .replace(/!\[/g, '!\\['),
  );
}

function quoteNames(text: string): string {
  return text.replace(/(^|[^\w`/.@+-])(@[a-z\d][\w-]*(?:\/[\w.-]*\w)?)/gi, '$1`$2`');
}

/** A person's name, or what a tracker closes, is put in backticks: it reads the same and does nothing. */
function disarm(text: string): string {
  return (
    quoteNames(text)
      .replace(
        /\b((?:close[sd]?|closing|fix(?:e[sd]|ing)?|resolve[sd]?|resolving|complete[sd]?|implement(?:s|ed)?)[:\s]{1,5})((?:[\w.-]+\/[\w.-]+)?#\d+|GH-\d+|[A-Z][A-Z0-9]{0,9}-\d[A-Z0-9]*|https?:\/\/\S*\/(?:issues?|browse|pull)\/\S+)/gi,
        '$1`$2`',
      )
      // Sources of alerts take such a word for all that is named in the plain words after it.
      .replace(
        /\b((?:[Cc]lose[sd]?|[Ff]ix(?:e[sd])?|[Rr]esolve[sd]?):?\s(?:[\w-]{1,40},?\s){1,12}?)([A-Z][A-Z0-9_]{0,20}-\d[A-Z0-9]*)\b/g,
        '$1`$2`',
      )
  );
}

/** Applies `change` to what is not between backticks. */
function outsideCode(line: string, change: (text: string) => string): string {
  const out: string[] = [];
  let rest = line;
  for (;;) {
    const open = /`+/.exec(rest);
    if (!open) break;
    const ticks = open[0];
    const from = open.index + ticks.length;
    const close = closing(rest, ticks, from);
    if (close === -1) {
      // Unpaired: taken out, or it would pair with the backticks that we put in.
      rest = rest.slice(0, open.index) + rest.slice(from);
      continue;
    }
    out.push(change(rest.slice(0, open.index)), rest.slice(open.index, close + ticks.length));
    rest = rest.slice(close + ticks.length);
  }
  out.push(change(rest));
  // Backticks that come to stand beside one another would be read as one longer run, and pair with nothing.
  return out.reduce((text, piece) => text + (text.endsWith('`') && piece.startsWith('`') ? ' ' : '') + piece, '');
}

function closing(text: string, ticks: string, from: number): number {
  for (const match of text.slice(from).matchAll(/`+/g)) if (match[0] === ticks) return from + match.index;
  return -1;
}
